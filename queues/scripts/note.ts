// note: a producer notes a chunk of rows as open before it adds them, within the window.
//
// KEYS  1 meta  2 done  3 open
// ARGV  1 window in rows  2 window in bytes  then per row: row, bytes
// Reply {"ok", round, one string per row}: the hop to add it at ("0" for a new row, the noted one for a row that was never claimed), "done", or "claimed" (leave it)
//       {"full"} nothing noted, the window has no room · {"paused"} · {"cancelled"} · {"over"} finished, finalizing or unknown

import { redisScript } from "../../src/runtime/redis-script.ts";

export const noteScript = redisScript(`
local meta = redis.call('HMGET', KEYS[1], 'state', 'paused', 'cancelling', 'opened', 'stored', 'openedBytes', 'storedBytes', 'round', 'total')
if not meta[1] then return {'over'} end
if meta[3] == '1' then return {'cancelled'} end
if meta[1] ~= 'open' and meta[1] ~= 'sealed' then return {'over'} end
if meta[9] and tonumber(ARGV[#ARGV - 1]) >= tonumber(meta[9]) then return {'over'} end
if meta[2] == '1' then return {'paused'} end
local rows = tonumber(meta[4] or '0') - tonumber(meta[5] or '0')
local bytes = tonumber(meta[6] or '0') - tonumber(meta[7] or '0')
local count = (#ARGV - 2) / 2
local size = 0
for i = 4, #ARGV, 2 do size = size + tonumber(ARGV[i]) end
if rows > 0 and (rows + count > tonumber(ARGV[1]) or bytes + size > tonumber(ARGV[2])) then return {'full'} end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local reply = {'ok', meta[8] or '0'}
local opened, openedBytes = 0, 0
for i = 3, #ARGV, 2 do
  local row = ARGV[i]
  if redis.call('GETBIT', KEYS[2], row) == 1 then
    reply[#reply + 1] = 'done'
  else
    local entry = redis.call('HGET', KEYS[3], row)
    if not entry then
      redis.call('HSET', KEYS[3], row, '0|0|' .. now .. '|' .. ARGV[i + 1])
      opened = opened + 1
      openedBytes = openedBytes + tonumber(ARGV[i + 1])
      reply[#reply + 1] = '0'
    else
      local hop, claimed = string.match(entry, '^(%d+)|(%d)|')
      if claimed == '1' then reply[#reply + 1] = 'claimed' else reply[#reply + 1] = hop end
    end
  end
end
if opened > 0 then
  redis.call('HINCRBY', KEYS[1], 'opened', opened)
  redis.call('HINCRBY', KEYS[1], 'openedBytes', string.format('%.0f', openedBytes))
end
return reply
`);
