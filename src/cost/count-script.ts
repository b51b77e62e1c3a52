// count: what a part of a batch's results adds to the live totals, once.
//
// KEYS  1 watermarks 2 fleet 3 fleet, as it has been at most 4… a hash for each day
// ARGV  1 batch 2 its watermark as the caller knows it ("" for none) 3 its new watermark 4 room: fields that a hash may have with tags of their own
//       5 the number of days, n · n times unix milliseconds at which the day's hash expires · then for each sum five: index of its hash in KEYS, its field, the field
//       that takes its place where there is no room, the one after that, the sums (whole numbers with commas, maybe negative)
// Reply 1 counted, now or when this was sent before · else the watermark that is there ("" for none): nothing was counted
//
// A field once given stays, and so does the room: what was counted under a field is taken away from it again, never from another.

import { redisScript } from "../runtime/redis-script.ts";

export const countScript = redisScript(`
local at = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if at == ARGV[3] then return 1 end
if at ~= ARGV[2] then return at end

local room = tonumber(ARGV[4])
local first = 6 + tonumber(ARGV[5])
for i = first, #ARGV, 5 do
  local index, field = tonumber(ARGV[i]), ARGV[i + 1]
  local key = KEYS[index]
  local value = redis.call('HGET', key, field)
  if not value then
    local fields = redis.call('HLEN', key)
    if fields >= room then field = ARGV[i + 2] end
    if fields >= 2 * room and redis.call('HEXISTS', key, field) == 0 then field = ARGV[i + 3] end
    value = redis.call('HGET', key, field) or ''
  end
  local next_sum = string.gmatch(value, '%-?%d+')
  local sums = {}
  for added in string.gmatch(ARGV[i + 4], '%-?%d+') do
    sums[#sums + 1] = tonumber(next_sum() or '0') + tonumber(added)
  end
  for n = 1, #sums do sums[n] = string.format('%.0f', sums[n]) end
  redis.call('HSET', key, field, table.concat(sums, ','))
  if index == 2 then
    -- What only grows: an exact entry may take less than the uncertain one before it.
    local most = redis.call('HGET', KEYS[3], field) or ''
    local n = 0
    for known in string.gmatch(most, '%-?%d+') do
      n = n + 1
      if sums[n] and tonumber(known) > tonumber(sums[n]) then sums[n] = known end
    end
    redis.call('HSET', KEYS[3], field, table.concat(sums, ','))
  end
end
for i = 4, #KEYS do redis.call('PEXPIREAT', KEYS[i], ARGV[i + 2]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`);
