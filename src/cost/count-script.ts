// count: what a part of a batch's results adds to the live totals, once.
//
// KEYS  1 watermarks 2 fleet 3 fleet, each number as it has been at most 4… a hash for each day
// ARGV  1 batch 2 its watermark as the caller knows it ("" for none) 3 its new watermark 4 room: fields that a hash may have with tags of their own
//       5 JSON, a list for each sum: index of its hash in KEYS, its field, the field that takes its place where there is no room, the one after that, the
//       numbers (whole, maybe negative)   6… for each day, unix milliseconds at which its hash expires
// Reply 1 counted, now or when this was sent before · else the watermark that is there ("" for none): nothing was counted
//
// A field once given stays, and a hash never has more room again: what was counted under a field is taken away from it later, never from another.

import { redisScript } from "../runtime/redis-script.ts";

export const countScript = redisScript(`
local at = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if at == ARGV[3] then return 1 end
if at ~= ARGV[2] then return at end

local room = tonumber(ARGV[4])
-- The hashes' fields as they become in this call (false: there is none), how many a hash has, and those that change, in order.
local known, sizes, changed = {}, {}, {}

local function parse(value)
  return cjson.decode('[' .. value .. ']')
end
local function find(index, field)
  local fields = known[index]
  if fields[field] == nil then
    local value = redis.call('HGET', KEYS[index], field)
    fields[field] = value and { numbers = parse(value) } or false
  end
  return fields[field]
end

for _, sum in ipairs(cjson.decode(ARGV[5])) do
  local index, field = sum[1], sum[2]
  if not known[index] then
    known[index], sizes[index] = {}, redis.call('HLEN', KEYS[index])
  end
  local found = find(index, field)
  if not found and sizes[index] >= room then
    field = sum[3]
    found = find(index, field)
    if not found and sizes[index] >= 2 * room then
      field = sum[4]
      found = find(index, field)
    end
  end
  if not found then
    found = { numbers = {} }
    known[index][field], sizes[index] = found, sizes[index] + 1
  end
  if not found.index then
    found.index, found.field = index, field
    changed[#changed + 1] = found
  end
  for n = 5, #sum do found.numbers[n - 4] = (found.numbers[n - 4] or 0) + sum[n] end
end

local function text(numbers)
  return string.format('%.0f' .. string.rep(',%.0f', #numbers - 1), unpack(numbers))
end
for _, each in ipairs(changed) do
  redis.call('HSET', KEYS[each.index], each.field, text(each.numbers))
  if each.index == 2 then
    local most = parse(redis.call('HGET', KEYS[3], each.field) or '')
    for n = 1, #each.numbers do most[n] = math.max(most[n] or 0, each.numbers[n]) end
    redis.call('HSET', KEYS[3], each.field, text(most))
  end
end
for i = 4, #KEYS do redis.call('PEXPIREAT', KEYS[i], ARGV[i + 2]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`);
