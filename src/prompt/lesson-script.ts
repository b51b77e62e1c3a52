// Adds lessons to what the fleet has learned, and fades the older ones (lesson-sums.ts has the rule).
//
// KEYS   1 learned (hash: field `task|model` → calls, estimated, counted, countedSquares, answers, output, outputSquares, separated by blanks)
// ARGV   1 what lessons weigh together at most · 2 seconds for which the hash is kept
//        then per subject: its field and the seven sums
// Reply  per subject, in order: its value now

import { redisScript } from "../runtime/redis-script.ts";

export const lessonScript = redisScript(`
local most_weight = tonumber(ARGV[1])
local reply = {}
for i = 3, #ARGV, 8 do
  local sums = {}
  for number in string.gmatch(redis.call('HGET', KEYS[1], ARGV[i]) or '', '%S+') do sums[#sums + 1] = tonumber(number) end
  if #sums ~= 7 then sums = { 0, 0, 0, 0, 0, 0, 0 } end
  for first, last in pairs({ [1] = 4, [5] = 7 }) do
    local rest = math.max(0, 1 - tonumber(ARGV[i + first]) / most_weight)
    for place = first, last do
      sums[place] = string.format('%.10g', sums[place] * rest + tonumber(ARGV[i + place]))
    end
  end
  local value = table.concat(sums, ' ')
  redis.call('HSET', KEYS[1], ARGV[i], value)
  reply[#reply + 1] = value
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return reply
`);
