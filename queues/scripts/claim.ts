// claim: the first act of every processor. Says whether a row may be worked on at this hop, and marks it claimed.
//
// KEYS  1 meta  2 done  3 open
// ARGV  1 the task's name, or "" (then an unknown batch is not made)   then per claim: row, hop
// Reply one integer per claim: 0 go · 1 superseded (a later hop was claimed) · 2 done · 3 paused · 4 cancelled · 5 unknown batch;
//       a batch that is `unknown` with a task's name given is made on the spot (jobs of foreign clients), state `open`.

import { redisScript } from "../../src/runtime/redis-script.ts";

export const claimScript = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local meta = redis.call('HMGET', KEYS[1], 'state', 'paused', 'cancelling')
local replies = {}
if not meta[1] then
  if ARGV[1] == '' then
    for i = 2, #ARGV, 2 do replies[#replies + 1] = 5 end
    return replies
  end
  redis.call('HSET', KEYS[1], 'state', 'open', 'task', ARGV[1], 'round', 0, 'createdAt', string.format('%.0f', now), 'foreign', 1)
end
for i = 2, #ARGV, 2 do
  local row, hop = ARGV[i], tonumber(ARGV[i + 1])
  if redis.call('GETBIT', KEYS[2], row) == 1 then
    replies[#replies + 1] = 2
  else
    local entry = redis.call('HGET', KEYS[3], row)
    local lastHop, bytes = -1, '0'
    if entry then
      local h, _, _, b = string.match(entry, '^(%d+)|(%d)|(%d+)|(%d+)$')
      lastHop, bytes = tonumber(h), b
    end
    if lastHop > hop then
      replies[#replies + 1] = 1
    elseif meta[3] == '1' then
      replies[#replies + 1] = 4
    elseif meta[2] == '1' then
      replies[#replies + 1] = 3
    else
      if not entry then redis.call('HINCRBY', KEYS[1], 'opened', 1) end
      redis.call('HSET', KEYS[3], row, hop .. '|1|' .. string.format('%.0f', now) .. '|' .. bytes)
      replies[#replies + 1] = 0
    end
  end
end
return replies
`);
