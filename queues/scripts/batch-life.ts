// The scripts that move a batch through its states: make, seal, cancel, pause, retry, re-open.

import { redisScript } from "../../src/runtime/redis-script.ts";

/**
 * make: a batch, or the one that is there already.
 * KEYS 1 meta · ARGV 1 task 2 fields (JSON, shown by status) · Reply {created 0 | 1, task, state}
 */
export const makeScript = redisScript(`
local meta = redis.call('HMGET', KEYS[1], 'task', 'state')
if meta[2] then return {0, meta[1], meta[2]} end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state', 'open', 'task', ARGV[1], 'round', 0, 'source', ARGV[2],
  'createdAt', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
return {1, ARGV[1], 'open'}
`);

/**
 * seal: the total is known. KEYS 1 meta · ARGV 1 total
 * Reply the state after it, or "mismatch" when it was sealed with another total
 */
export const sealScript = redisScript(`
local meta = redis.call('HMGET', KEYS[1], 'state', 'done', 'total')
if not meta[1] then return 'unknown' end
if meta[3] and tonumber(meta[3]) ~= tonumber(ARGV[1]) then return 'mismatch' end
if meta[1] ~= 'open' then return meta[1] end
redis.call('HSET', KEYS[1], 'total', ARGV[1])
local state = tonumber(meta[2] or '0') >= tonumber(ARGV[1]) and 'finalizing' or 'sealed'
redis.call('HSET', KEYS[1], 'state', state)
redis.call('HDEL', KEYS[1], 'retrying')
return state
`);

/**
 * cancel: no more calls; what is enqueued ends as \`cancelled\`, a batch still open is sealed at the rows it has.
 * KEYS 1 meta 2 open · Reply the state before it
 */
export const cancelScript = redisScript(`
local meta = redis.call('HMGET', KEYS[1], 'state', 'opened', 'done')
if not meta[1] then return 'unknown' end
if meta[1] ~= 'open' and meta[1] ~= 'sealed' then return meta[1] end
redis.call('HSET', KEYS[1], 'cancelling', 1)
redis.call('HDEL', KEYS[1], 'paused')
if meta[1] == 'open' then
  local total = redis.call('HGET', KEYS[1], 'total') or meta[2] or '0'
  redis.call('HSET', KEYS[1], 'total', total, 'state', 'sealed')
  if tonumber(meta[3] or '0') >= tonumber(total) then redis.call('HSET', KEYS[1], 'state', 'finalizing') end
end
return meta[1]
`);

/** pause and resume. KEYS 1 meta · ARGV 1 "1" | "0" · Reply the state, "unknown" for no such batch */
export const pauseScript = redisScript(`
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'unknown' end
if state == 'open' or state == 'sealed' then
  if ARGV[1] == '1' then redis.call('HSET', KEYS[1], 'paused', 1) else redis.call('HDEL', KEYS[1], 'paused') end
end
return state
`);

/**
 * begin-retry: a finished batch is opened again, one round higher; a retry that was interrupted goes on in its round.
 * KEYS 1 meta 2 retried 3… every other key (their expiry is lifted) · Reply {state before, round}
 */
export const beginRetryScript = redisScript(`
local meta = redis.call('HMGET', KEYS[1], 'state', 'round', 'retrying')
if not meta[1] then return {'unknown', 0} end
if meta[3] == '1' then return {'retrying', tonumber(meta[2])} end
if meta[1] ~= 'finished' and meta[1] ~= 'cancelled' then return {meta[1], tonumber(meta[2])} end
local round = redis.call('HINCRBY', KEYS[1], 'round', 1)
redis.call('HSET', KEYS[1], 'state', 'open', 'retrying', 1)
redis.call('HDEL', KEYS[1], 'cancelling', 'paused', 'finishedAt')
redis.call('DEL', KEYS[2])
for i = 1, #KEYS do redis.call('PERSIST', KEYS[i]) end
return {meta[1], round}
`);

/**
 * re-open: rows that ended in an error are noted as open once more, at a hop beyond their last, within the window.
 * The bitmap of re-opened rows keeps an interrupted retry from opening a row twice in one round.
 * Only a row whose last result is an error is opened: an outdated dead letter must not take an answer back.
 * KEYS 1 meta 2 done 3 open 4 retried 5 failed · ARGV 1 window in rows, then per row: row, hop, bytes
 * Reply {"full"} or {"ok", per row the hop to add it at, or "leave"}
 */
export const reopenScript = redisScript(`
local meta = redis.call('HMGET', KEYS[1], 'opened', 'stored')
local count = (#ARGV - 1) / 3
local rows = tonumber(meta[1] or '0') - tonumber(meta[2] or '0')
if rows > 0 and rows + count > tonumber(ARGV[1]) then return {'full'} end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local reply, reopened = {'ok'}, 0
for i = 2, #ARGV, 3 do
  local row, hop, bytes = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local entry = redis.call('HGET', KEYS[3], row)
  if entry then
    local noted, claimed = string.match(entry, '^(%d+)|(%d)|')
    if claimed == '1' then reply[#reply + 1] = 'leave' else reply[#reply + 1] = noted end
  elseif redis.call('GETBIT', KEYS[5], row) == 0 or redis.call('GETBIT', KEYS[4], row) == 1 then
    reply[#reply + 1] = 'leave'
  else
    redis.call('SETBIT', KEYS[2], row, 0)
    redis.call('SETBIT', KEYS[4], row, 1)
    redis.call('SETBIT', KEYS[5], row, 0)
    redis.call('HSET', KEYS[3], row, hop .. '|0|' .. now .. '|' .. bytes)
    redis.call('HINCRBY', KEYS[1], 'openedBytes', bytes)
    reopened = reopened + 1
    reply[#reply + 1] = hop
  end
end
if reopened > 0 then
  redis.call('HINCRBY', KEYS[1], 'done', -reopened)
  redis.call('HINCRBY', KEYS[1], 'failed', -reopened)
  redis.call('HINCRBY', KEYS[1], 'stored', -reopened)
end
return reply
`);

/**
 * miss: rows that the reconciler found in no queue go back to their producer, if they are still as it saw them.
 * KEYS 1 open 2 missing · ARGV per row: row, open entry · Reply the number of rows
 */
export const missScript = redisScript(`
local missed = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    missed = missed + 1
  end
end
return missed
`);

/**
 * re-add: missing rows are noted again, at a hop that no earlier id of theirs has had.
 * KEYS 1 open 2 missing · ARGV rows · Reply per row: the hop to add it at, or "gone" when it is not missing (any more)
 */
export const readdScript = redisScript(`
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local reply = {}
for i = 1, #ARGV do
  local entry, missed = redis.call('HGET', KEYS[1], ARGV[i]), redis.call('HGET', KEYS[2], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
  if entry and entry == missed then
    local hop, bytes = string.match(entry, '^(%d+)|%d|%d+|(%d+)')
    local nextHop = tonumber(hop) + 2
    redis.call('HSET', KEYS[1], ARGV[i], nextHop .. '|0|' .. now .. '|' .. bytes)
    reply[#reply + 1] = tostring(nextHop)
  else
    reply[#reply + 1] = 'gone'
  end
end
return reply
`);
