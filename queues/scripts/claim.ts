// claim: the first act of every processor. Says whether a row may be worked on at this hop, and marks it claimed.
//
// KEYS  1 meta  2 done  3 open
// ARGV  1 the task's name, or "" (then an unknown batch is not made)   then per claim: row, hop, part, token of the queue job (the same in each of its
//       runs, another for every other job, also for one added again under the same id)
// Reply one integer per claim: 0 go · 1 superseded (a later hop was claimed, or this one by another job) · 2 done ·
//       3 paused (claimed all the same: whoever has it may hand it on) · 4 cancelled · 5 unknown batch · 6 go, under a budget of the batch's own.
//       A batch that is unknown, with a task's name given, is made on the spot (jobs of foreign clients), in state `open`.
//
// An open entry is `hop|claimed 0 or 1|time|bytes|` and, where claimed, `,part=token` for each part of the hop that was.

import { redisScript } from "../../src/runtime/redis-script.ts";

export const claimScript = redisScript(`
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local meta = redis.call('HMGET', KEYS[1], 'state', 'paused', 'cancelling', 'capped', 'foreign')
local replies = {}
if not meta[1] then
  if ARGV[1] == '' then
    for i = 2, #ARGV, 4 do replies[#replies + 1] = 5 end
    return replies
  end
  redis.call('HSET', KEYS[1], 'state', 'open', 'task', ARGV[1], 'round', 0, 'createdAt', now, 'foreign', 1)
end

-- One command for all rows each: of the rows' bits, their open entries, and the claims.
local rows, bits = {}, {}
for i = 2, #ARGV, 4 do
  rows[#rows + 1] = ARGV[i]
  bits[#bits + 1] = 'GET'
  bits[#bits + 1] = 'u1'
  bits[#bits + 1] = ARGV[i]
end
local done = redis.call('BITFIELD', KEYS[2], unpack(bits))
local entries = redis.call('HMGET', KEYS[3], unpack(rows))
-- The rows' entries as they become in this call: a row may come twice.
local open = {}
local claims, opened = {}, 0
for i = 1, #rows do
  local row, at = rows[i], 4 * i - 2
  local hop, part, token = tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local state = open[row]
  if not state then
    if entries[i] then
      local last_hop, claimed, bytes, tokens = string.match(entries[i], '^(%d+)|(%d)|%d+|(%d+)|?(.*)$')
      state = { hop = tonumber(last_hop), claimed = claimed == '1', bytes = bytes, tokens = tokens }
    else
      state = { hop = -1, claimed = false, bytes = '0', tokens = '' }
    end
    open[row] = state
  end
  local isClaimed = state.claimed and state.hop == hop
  local holder = isClaimed and string.match(state.tokens, ',' .. part .. '=([^,]+)')
  if done[i] == 1 then
    replies[i] = 2
  elseif state.hop > hop then
    replies[i] = 1
  elseif holder and holder ~= token then
    replies[i] = 1
  elseif meta[3] == '1' then
    replies[i] = 4
  else
    if state.hop < 0 then opened = opened + 1 end
    if not isClaimed then state.tokens = '' end
    if not holder then state.tokens = state.tokens .. ',' .. part .. '=' .. token end
    state.hop, state.claimed = hop, true
    claims[#claims + 1] = row
    claims[#claims + 1] = hop .. '|1|' .. now .. '|' .. state.bytes .. '|' .. state.tokens
    replies[i] = meta[2] == '1' and 3 or meta[4] == '1' and 6 or 0
  end
end
if opened > 0 then redis.call('HINCRBY', KEYS[1], 'opened', opened) end
if meta[5] == '1' and #claims > 0 then
  -- An inbox that was to expire some days after its last result has work again: so it stays until that is stored.
  for i = 1, 3 do redis.call('PERSIST', KEYS[i]) end
end
if #claims > 0 then redis.call('HSET', KEYS[3], unpack(claims)) end
return replies
`);
