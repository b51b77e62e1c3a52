// stored: the recorder has written and synced entries; counts them once, frees the window, trims the stream, and ends the batch when it was the last.
//
// KEYS  1 meta  2 results  3 recorder (lease)  4 done  5 open  6… every other key of the batch
// ARGV  1 lease token  2 stream id of the last entry written ("" for none)  3 results among them  4 their bytes  5 lifetime of a finished batch's keys in ms
//       then pairs: field of meta, increment (integers as strings)
// Reply "lost" the lease is another's · else the batch's state

import { redisScript } from "../../src/runtime/redis-script.ts";

export const storedScript = redisScript(`
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
-- Sent again after a lost connection, it counts nothing twice.
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], 'watermark') ~= ARGV[2] then
  redis.call('HINCRBY', KEYS[1], 'stored', ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'storedBytes', ARGV[4])
  for i = 6, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
  redis.call('HSET', KEYS[1], 'watermark', ARGV[2])
  local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
  redis.call('XTRIM', KEYS[2], 'MINID', ms .. '-' .. string.format('%.0f', tonumber(seq) + 1))
end
local meta = redis.call('HMGET', KEYS[1], 'state', 'stored', 'total', 'cancelling', 'foreign')
if meta[1] == 'finalizing' and tonumber(meta[2] or '0') >= tonumber(meta[3]) then
  local state = meta[4] == '1' and 'cancelled' or 'finished'
  redis.call('HSET', KEYS[1], 'state', state, 'finishedAt', now)
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  for i = 4, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
  return state
end
if ARGV[2] ~= '' and meta[1] == 'open' and meta[5] == '1' then
  -- an inbox never ends: it expires some days after its last result, unless a row of it is still under way
  local is_idle = redis.call('HLEN', KEYS[5]) == 0
  for i = 1, #KEYS do
    if i ~= 2 and i ~= 3 then
      if is_idle then redis.call('PEXPIRE', KEYS[i], ARGV[5]) else redis.call('PERSIST', KEYS[i]) end
    end
  end
end
return meta[1] or 'unknown'
`);
