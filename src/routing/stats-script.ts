// Adds calls to what the fleet knows of its models, and fades the older ones (call-sums.ts has the rule), by Redis' clock.
//
// KEYS   1 stats (hash: field `task|model` → unix ms of the last change, calls, answers, passed, inputTokens, outputTokens, costNanoUsd, then a
//          bucket and its count for each bucket of the latencies, all separated by blanks)
// ARGV   1 what calls weigh together at most · 2 ms in which they lose half of it · 3 seconds for which the hash is kept
//        then per subject: its field, and its new calls in the same form with 0 for the time
// Reply  none

import { redisScript } from "../runtime/redis-script.ts";

export const statsScript = redisScript(`
local most_weight, half_life = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local LAST = 7

local function parse(text)
  local sums, latencies = {}, {}
  for word in string.gmatch(text, '%S+') do
    local number = tonumber(word)
    if not number or number ~= number or number < 0 or number > 2 ^ 53 then return nil end
    sums[#sums + 1] = number
  end
  if #sums < LAST or (#sums - LAST) % 2 == 1 then return nil end
  for i = LAST + 1, #sums, 2 do latencies[sums[i]] = sums[i + 1] end
  return sums, latencies
end

for i = 4, #ARGV, 2 do
  local sums, latencies = parse(ARGV[i + 1])
  if sums then
    local calls = sums[2]
    local older_share, newer_share = math.max(0, 1 - calls / most_weight), math.min(1, most_weight / math.max(calls, 1))
    local older, older_latencies = parse(redis.call('HGET', KEYS[1], ARGV[i]) or '')
    if older then
      older_share = older_share * 2 ^ (-math.max(0, now - older[1]) / half_life)
    else
      older, older_latencies, older_share = { 0, 0, 0, 0, 0, 0, 0 }, {}, 0
    end
    local out = { string.format('%.0f', now) }
    for place = 2, LAST do out[place] = string.format('%.8g', older[place] * older_share + sums[place] * newer_share) end
    local counts = {}
    for bucket, count in pairs(older_latencies) do counts[bucket] = count * older_share end
    for bucket, count in pairs(latencies) do counts[bucket] = (counts[bucket] or 0) + count * newer_share end
    for bucket, count in pairs(counts) do
      -- What has all but faded is dropped: the value stays short.
      if count >= 0.001 then
        out[#out + 1] = string.format('%d', bucket)
        out[#out + 1] = string.format('%.6g', count)
      end
    end
    redis.call('HSET', KEYS[1], ARGV[i], table.concat(out, ' '))
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
`);
