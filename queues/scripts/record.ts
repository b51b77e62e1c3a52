// record: one result per row, for ever. A second one is refused; so is one of an earlier round.
//
// KEYS  1 meta  2 done  3 open  4 results  5 missing
// ARGV  per result: row, round, hop, "answered" | "error", rerouted 0 | 1, JSON of the result
// Reply one integer per result: 1 recorded · 0 refused. A refused result's calls were paid all the same: it goes to the stream as `extra`.
//
// A stream entry holds: r (JSON) and b (bytes of input it frees in the window), or x (JSON of a refused result).

import { redisScript } from "../../src/runtime/redis-script.ts";

export const recordScript = redisScript(`
local round = tonumber(redis.call('HGET', KEYS[1], 'round') or '0')
local replies = {}
local done, answered, failed, rerouted, opened = 0, 0, 0, 0, 0
for i = 1, #ARGV, 6 do
  local row = ARGV[i]
  if tonumber(ARGV[i + 1]) < round or redis.call('GETBIT', KEYS[2], row) == 1 then
    redis.call('XADD', KEYS[4], '*', 'x', ARGV[i + 5])
    replies[#replies + 1] = 0
  else
    local entry = redis.call('HGET', KEYS[3], row)
    local bytes = '0'
    if entry then
      bytes = string.match(entry, '|(%d+)$')
      redis.call('HDEL', KEYS[3], row)
    else
      opened = opened + 1
    end
    redis.call('SETBIT', KEYS[2], row, 1)
    redis.call('XADD', KEYS[4], '*', 'r', ARGV[i + 5], 'b', bytes)
    done = done + 1
    if ARGV[i + 3] == 'answered' then answered = answered + 1 else failed = failed + 1 end
    if ARGV[i + 4] == '1' then rerouted = rerouted + 1 end
    replies[#replies + 1] = 1
  end
end
if done > 0 then
  if redis.call('EXISTS', KEYS[5]) == 1 then
    for i = 1, #ARGV, 6 do redis.call('SREM', KEYS[5], ARGV[i]) end
  end
  if opened > 0 then redis.call('HINCRBY', KEYS[1], 'opened', opened) end
  if answered > 0 then redis.call('HINCRBY', KEYS[1], 'answered', answered) end
  if failed > 0 then redis.call('HINCRBY', KEYS[1], 'failed', failed) end
  if rerouted > 0 then redis.call('HINCRBY', KEYS[1], 'rerouted', rerouted) end
  local all = redis.call('HINCRBY', KEYS[1], 'done', done)
  local meta = redis.call('HMGET', KEYS[1], 'state', 'total')
  if meta[1] == 'sealed' and meta[2] and all >= tonumber(meta[2]) then
    redis.call('HSET', KEYS[1], 'state', 'finalizing')
  end
end
return replies
`);
