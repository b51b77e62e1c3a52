// The Lua that the limiter's scripts begin with: time, the keys, and the limits of a model or the account with where they stand.
//
// KEYS  1 buckets · 2 leases · 3 expiries · 4 uncertain (providerKeys in runtime/keys.ts)
// Fields of the buckets hash: `<dimension>|<scope>` the time (unix ms) at which the bucket is full · `calls|<scope>` calls in flight ·
// `hold|<scope>` held until · `head|<scope>` `<until> <nonce>`, who is first in line. A scope is a model id, or `*` for the account.
// Members of the expiries: a call id, by the end of its lease; `?` and a call id, by the end of its uncertain record.

export const SCOPE_LUA = `
local BUCKETS, LEASES, EXPIRIES, UNCERTAIN = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000

-- limits: { rates = { rpm = { perMs, burstMs }, ... }, concurrency = n or nil }
local scopes = {}
local function scope_of(name, limits)
  local scope = scopes[name]
  if scope then return scope end
  local fields, dimensions = { 'calls|' .. name, 'hold|' .. name, 'head|' .. name }, {}
  for dimension in pairs(limits.rates) do
    dimensions[#dimensions + 1] = dimension
    fields[#fields + 1] = dimension .. '|' .. name
  end
  local values = redis.call('HMGET', BUCKETS, unpack(fields))
  scope = { name = name, calls = tonumber(values[1]) or 0, hold = tonumber(values[2]) or 0, head_until = 0,
    concurrency = limits.concurrency or math.huge, buckets = {}, changed = {} }
  if values[3] then
    local head_until, nonce = string.match(values[3], '^(%S+) (.*)$')
    scope.head_until, scope.head = tonumber(head_until), nonce
  end
  for i, dimension in ipairs(dimensions) do
    local rate = limits.rates[dimension]
    scope.buckets[dimension] = { full_at = tonumber(values[i + 3]) or 0, per_ms = rate[1], burst_ms = rate[2], queued = 0 }
  end
  scopes[name] = scope
  return scope
end

local function charge_bucket(scope, dimension, amount)
  local bucket = scope.buckets[dimension]
  if not bucket or amount == 0 then return end
  bucket.full_at = math.max(bucket.full_at, now) + amount / bucket.per_ms
  scope.changed[dimension .. '|' .. scope.name] = string.format('%.4f', bucket.full_at)
end

local function add_calls(scope, count)
  scope.calls = scope.calls + count
  scope.changed['calls|' .. scope.name] = tostring(scope.calls)
end

local function save_scopes()
  local pairs_to_set = {}
  for _, scope in pairs(scopes) do
    for field, value in pairs(scope.changed) do
      pairs_to_set[#pairs_to_set + 1] = field
      pairs_to_set[#pairs_to_set + 1] = value
    end
  end
  if #pairs_to_set > 0 then redis.call('HSET', BUCKETS, unpack(pairs_to_set)) end
end
`;
