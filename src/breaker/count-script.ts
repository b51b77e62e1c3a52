// Adds to the models' sliding counts, and sums up what is left of them in the window.
//
// KEYS   1 tallies (hash: field model id → `cell ok failed` triples, separated by blanks)
// ARGV   1 window in ms · 2 cell in ms · then per model: id, ok, failed
// Reply  [unix ms, then per model, in order: ok, failed in the window]

import { redisScript } from "../runtime/redis-script.ts";

export const countScript = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local window_ms, cell_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local current = math.floor(now / cell_ms)
local oldest = math.floor((now - window_ms) / cell_ms) + 1
local reply = { now }
for i = 3, #ARGV, 3 do
  local field, ok, failed = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local current_ok, current_failed, kept = ok, failed, {}
  local numbers = string.gmatch(redis.call('HGET', KEYS[1], field) or '', '%d+')
  for cell in numbers do
    local cell_number, cell_ok, cell_failed = tonumber(cell), tonumber(numbers()), tonumber(numbers())
    if cell_number == current then
      current_ok, current_failed = current_ok + cell_ok, current_failed + cell_failed
      ok, failed = ok + cell_ok, failed + cell_failed
    elseif cell_number >= oldest then
      kept[#kept + 1] = string.format('%d %d %d', cell_number, cell_ok, cell_failed)
      ok, failed = ok + cell_ok, failed + cell_failed
    end
  end
  kept[#kept + 1] = string.format('%d %d %d', current, current_ok, current_failed)
  redis.call('HSET', KEYS[1], field, table.concat(kept, ' '))
  reply[#reply + 1] = ok
  reply[#reply + 1] = failed
end
return reply
`);
