// Adds to sliding counts, and sums up what is left of them in the window. The streak of failures goes on from one hand-in to the next, whoever's
// they are, until one breaks it.
//
// KEYS   1 tallies (hash: field model id or `*` → `streak;cell begun ok failed cell begun ok failed …`) · 2 breakers
// ARGV   1 window in ms · 2 cell in ms · then per field: name, begun, ok, failed, streak, 1 if it breaks the streak before it
// Reply  [unix ms, [per field, in order: begun, ok and failed in the window, streak], [field, state, … of the provider's breakers]]

import { redisScript } from "../runtime/redis-script.ts";

export const countScript = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local window_ms, cell_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local current = math.floor(now / cell_ms)
local oldest = math.floor((now - window_ms) / cell_ms) + 1
local sums = {}
for i = 3, #ARGV, 6 do
  local field, streak = ARGV[i], tonumber(ARGV[i + 4])
  local begun, ok, failed = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local earlier_streak, cells = string.match(redis.call('HGET', KEYS[1], field) or '', '^(%d+);(.*)$')
  if ARGV[i + 5] == '0' then streak = streak + tonumber(earlier_streak or '0') end
  local current_begun, current_ok, current_failed, kept = begun, ok, failed, {}
  local numbers = string.gmatch(cells or '', '%d+')
  for cell in numbers do
    local cell_number, cell_begun, cell_ok, cell_failed = tonumber(cell), tonumber(numbers()), tonumber(numbers()), tonumber(numbers())
    if cell_number == current then
      current_begun, current_ok, current_failed = current_begun + cell_begun, current_ok + cell_ok, current_failed + cell_failed
    elseif cell_number >= oldest then
      kept[#kept + 1] = string.format('%d %d %d %d', cell_number, cell_begun, cell_ok, cell_failed)
    end
    if cell_number >= oldest then begun, ok, failed = begun + cell_begun, ok + cell_ok, failed + cell_failed end
  end
  kept[#kept + 1] = string.format('%d %d %d %d', current, current_begun, current_ok, current_failed)
  redis.call('HSET', KEYS[1], field, string.format('%d;%s', streak, table.concat(kept, ' ')))
  for _, number in ipairs({ begun, ok, failed, streak }) do sums[#sums + 1] = number end
end
return { now, sums, redis.call('HGETALL', KEYS[2]) }
`);
