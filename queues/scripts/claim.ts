// claim: the first act of every processor. Says whether a row may be worked on at this hop, and marks it claimed.
//
// KEYS  1 meta  2 done  3 open
// ARGV  1 the task's name, or "" (then an unknown batch is not made)   then per claim: row, hop
// Reply one integer per claim: 0 go · 1 superseded (a later hop was claimed) · 2 done · 3 paused · 4 cancelled · 5 unknown batch;
//       a batch that is `unknown` with a task's name given is made on the spot (jobs of foreign clients), state `open`.

import { redisScript } from "../../src/runtime/redis-script.ts";

export const claimScript = redisScript(`
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local claimed_at = '|1|' .. now .. '|'
local meta = redis.call('HMGET', KEYS[1], 'state', 'paused', 'cancelling')
local replies = {}
if not meta[1] then
  if ARGV[1] == '' then
    for i = 2, #ARGV, 2 do replies[#replies + 1] = 5 end
    return replies
  end
  redis.call('HSET', KEYS[1], 'state', 'open', 'task', ARGV[1], 'round', 0, 'createdAt', now, 'foreign', 1)
end

-- One command for all rows each: of the rows' bits, their open entries, and the claims.
local rows, bits = {}, {}
for i = 2, #ARGV, 2 do
  rows[#rows + 1] = ARGV[i]
  bits[#bits + 1] = 'GET'
  bits[#bits + 1] = 'u1'
  bits[#bits + 1] = ARGV[i]
end
local done = redis.call('BITFIELD', KEYS[2], unpack(bits))
local entries = redis.call('HMGET', KEYS[3], unpack(rows))
-- Rows claimed by this call: a row may come twice.
local claimed_hops = {}
local claims, opened = {}, 0
for i = 1, #rows do
  local row, hop = rows[i], tonumber(ARGV[2 * i + 1])
  local entry, last_hop, bytes = entries[i], -1, '0'
  if entry then
    local noted_hop, _, _, noted_bytes = string.match(entry, '^(%d+)|(%d)|(%d+)|(%d+)$')
    last_hop, bytes = tonumber(noted_hop), noted_bytes
  end
  last_hop = claimed_hops[row] or last_hop
  if done[i] == 1 then
    replies[i] = 2
  elseif last_hop > hop then
    replies[i] = 1
  elseif meta[3] == '1' then
    replies[i] = 4
  elseif meta[2] == '1' then
    replies[i] = 3
  else
    if not entry and not claimed_hops[row] then opened = opened + 1 end
    claimed_hops[row] = hop
    claims[#claims + 1] = row
    claims[#claims + 1] = hop .. claimed_at .. bytes
    replies[i] = 0
  end
end
if opened > 0 then redis.call('HINCRBY', KEYS[1], 'opened', opened) end
if #claims > 0 then redis.call('HSET', KEYS[3], unpack(claims)) end
return replies
`);
