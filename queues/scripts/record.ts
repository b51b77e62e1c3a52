// record: one result per row, for ever. A second one is refused; so is one of an earlier round, and an error from a hop before the row's last (a worker
// that lost its lock: the row is at work elsewhere, and may still be answered).
//
// KEYS  1 meta  2 done  3 open  4 results  5 missing  6 failed
// ARGV  per result: row, round, hop, "answered" | "error", rerouted 0 | 1, JSON of the result, the open entry that it was made of ("" for any: the
//       reconciler ends a row only as it saw it)
// Reply one integer per result: 1 recorded · 0 refused. A refused result's calls were paid all the same: it goes to the stream as `extra`.
//
// A stream entry holds: r (JSON) and b (bytes of input it frees in the window), or x (JSON of a refused result).

import { redisScript } from "../../src/runtime/redis-script.ts";

export const recordScript = redisScript(`
local round = tonumber(redis.call('HGET', KEYS[1], 'round') or '0')

-- One command for all rows each: of the rows' bits and their open entries, then of what becomes of both.
local rows, bits = {}, {}
for i = 1, #ARGV, 7 do
  rows[#rows + 1] = ARGV[i]
  bits[#bits + 1] = 'GET'
  bits[#bits + 1] = 'u1'
  bits[#bits + 1] = ARGV[i]
end
local was_done = redis.call('BITFIELD', KEYS[2], unpack(bits))
local entries = redis.call('HMGET', KEYS[3], unpack(rows))
-- Rows recorded by this call: a row may come twice.
local recorded, recorded_rows, recorded_bits = {}, {}, {}
local replies = {}
local done, answered, failed, rerouted, opened = 0, 0, 0, 0, 0
for i = 1, #rows do
  local row, at = rows[i], 7 * i - 6
  local entry = entries[i]
  local last_hop, bytes = -1, '0'
  if entry then
    local noted_hop, noted_bytes = string.match(entry, '^(%d+)|%d|%d+|(%d+)')
    last_hop, bytes = tonumber(noted_hop), noted_bytes
  end
  local hasMoved = ARGV[at + 6] ~= '' and ARGV[at + 6] ~= entry
  local isLate = ARGV[at + 3] == 'error' and tonumber(ARGV[at + 2]) < last_hop
  if tonumber(ARGV[at + 1]) < round or was_done[i] == 1 or recorded[row] or isLate or hasMoved then
    if not hasMoved then redis.call('XADD', KEYS[4], '*', 'x', ARGV[at + 5]) end
    replies[i] = 0
  else
    if not entry then opened = opened + 1 end
    recorded[row] = true
    recorded_rows[#recorded_rows + 1] = row
    recorded_bits[#recorded_bits + 1] = 'SET'
    recorded_bits[#recorded_bits + 1] = 'u1'
    recorded_bits[#recorded_bits + 1] = row
    recorded_bits[#recorded_bits + 1] = 1
    redis.call('XADD', KEYS[4], '*', 'r', ARGV[at + 5], 'b', bytes)
    done = done + 1
    if ARGV[at + 3] == 'answered' then
      answered = answered + 1
    else
      failed = failed + 1
      redis.call('SETBIT', KEYS[6], row, 1)
    end
    if ARGV[at + 4] == '1' then rerouted = rerouted + 1 end
    replies[i] = 1
  end
end
if done > 0 then
  redis.call('BITFIELD', KEYS[2], unpack(recorded_bits))
  redis.call('HDEL', KEYS[3], unpack(recorded_rows))
  redis.call('HDEL', KEYS[5], unpack(recorded_rows))
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

/** book: calls of a row that goes on, or has ended, elsewhere. KEYS 1 meta 2 results · ARGV 1 JSON of a result · Reply 1, or 0 for a batch whose keys have expired */
export const bookScript = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'x', ARGV[1])
return 1
`);
