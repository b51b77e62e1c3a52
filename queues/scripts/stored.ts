// stored: the recorder has written and synced entries; counts them once, frees the window, trims the stream, and ends the batch when it was the last.
//
// KEYS  1 meta  2 recorder (lease)  3 results  4 done  5 open  6 extras  7 announced  8… every other key of the batch
// ARGV  1 lease token  2 lifetime of a finished batch's keys in ms  3 stream id of the last entry written ("" for none: the rest is left out then)
//       4 the watermark after which the entries come ("" for none)  5 results among them  6 their bytes  7 the number of extras among them, n · n times the row of one
//       then pairs: field of meta, increment (integers as strings)
// Reply "lost" the lease is another's, or the watermark not what it was · else the batch's state, "unknown" where its keys have expired

import { redisScript } from "../../src/runtime/redis-script.ts";

export const storedScript = redisScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'lost' end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local isCounted = false
if ARGV[3] ~= '' then
  local at = redis.call('HGET', KEYS[1], 'watermark') or ''
  -- Sent again after a lost connection, it counts nothing twice.
  if at ~= ARGV[3] then
    if at ~= ARGV[4] then return 'lost' end
    redis.call('HINCRBY', KEYS[1], 'stored', ARGV[5])
    redis.call('HINCRBY', KEYS[1], 'storedBytes', ARGV[6])
    local extras = tonumber(ARGV[7])
    for i = 8, 7 + extras do redis.call('SETBIT', KEYS[6], ARGV[i], 1) end
    for i = 8 + extras, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
    redis.call('HSET', KEYS[1], 'watermark', ARGV[3])
    redis.call('DEL', KEYS[7])
    local ms, seq = string.match(ARGV[3], '^(%d+)-(%d+)$')
    redis.call('XTRIM', KEYS[3], 'MINID', ms .. '-' .. string.format('%.0f', tonumber(seq) + 1))
    isCounted = true
  end
end

local function expire(ms)
  for i = 1, #KEYS do
    if i ~= 2 then redis.call('PEXPIRE', KEYS[i], ms) end
  end
end

local meta = redis.call('HMGET', KEYS[1], 'state', 'stored', 'total', 'cancelling', 'foreign')
if meta[1] == 'finalizing' and tonumber(meta[2] or '0') >= tonumber(meta[3]) then
  local state = meta[4] == '1' and 'cancelled' or 'finished'
  redis.call('HSET', KEYS[1], 'state', state, 'finishedAt', now)
  expire(ARGV[2])
  return state
end
if isCounted and (not meta[1] or meta[1] == 'finished' or meta[1] == 'cancelled') then
  -- An extra that came after the end: what it made anew goes with the rest.
  local left = redis.call('PTTL', KEYS[1])
  expire(left > 0 and left or ARGV[2])
end
if isCounted and meta[1] == 'open' and meta[5] == '1' then
  -- an inbox never ends: it expires some days after its last result, unless a row of it is still under way
  local is_idle = redis.call('HLEN', KEYS[5]) == 0
  for i = 1, #KEYS do
    if i ~= 2 and i ~= 3 then
      if is_idle then redis.call('PEXPIRE', KEYS[i], ARGV[2]) else redis.call('PERSIST', KEYS[i]) end
    end
  end
end
return meta[1] or 'unknown'
`);
