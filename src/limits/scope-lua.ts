// The Lua that the limiter's scripts begin with: time, the keys, and the scopes (a model's limits, those it shares, its account's) with where they
// stand. The rules are those of bucket.ts, flow.ts and memory-scope.ts.
//
// KEYS  1 buckets · 2 leases · 3 expiries · 4 uncertain (providerKeys in runtime/keys.ts)
// Fields of the buckets hash, by scope (a model id, `+` and the ids of those that share, `*` for the account), times in unix ms:
//   <dimension>|<scope>  <full at> <vendor's own rate per ms, or 0> <raised at> <flow: sum> <its weight, ms> <its time> <charges of tickets that are out>
//   calls|<scope>        calls in flight
//   hold|<scope>         held until
//   pace|<scope>         pace-lua.ts
// Members of the expiries: a call id, by the end of its lease; `?` and a call id, by the end of its uncertain record.

import { RAISE_BEYOND_MS, RAISE_SHARE, RAISE_WITHIN_MS, VENDOR_BURST_MS } from "./bucket.ts";
import { FLOW_MEMORY_MS } from "./flow.ts";
import { PACE_LUA } from "./pace-lua.ts";
import { HORIZON_MS } from "./permit-book.ts";

export const SCOPE_LUA = `
local BUCKETS, LEASES, EXPIRIES, UNCERTAIN = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local HORIZON_MS = ${HORIZON_MS}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000

-- travel: { fromMs, ms, wholeMs }, or nothing.
local function travel_of(bucket, amount_ms)
  local travel = bucket.travel
  if not travel or amount_ms < math.max(travel[1], bucket.burst_ms) then return 0 end
  return amount_ms < ${VENDOR_BURST_MS} and travel[2] or travel[3]
end

local function charged_full_at(full_at, amount_ms)
  local changed = math.max(full_at, now) + amount_ms
  if amount_ms < 0 and changed <= now + 0.001 then return 0 end
  return changed
end

local function refunded_full_at(full_at, amount_ms, burst_ms, ticket)
  local back = math.min(amount_ms, math.max(0, ticket + math.max(amount_ms, burst_ms) - now))
  return back > 0 and charged_full_at(full_at, -back) or full_at
end

-- Milliseconds until the bucket can pay, behind what is before it in line.
local function bucket_wait(bucket, amount)
  if not bucket.per_ms or amount <= 0 then return 0 end
  local amount_ms = amount / bucket.per_ms
  local debt = math.max(0, bucket.full_at + travel_of(bucket, amount_ms) - now)
  return debt + bucket.queued + math.min(amount_ms, bucket.burst_ms) - bucket.burst_ms
end

local function bucket_line(bucket)
  if not bucket.per_ms then return 0 end
  return math.max(0, bucket.full_at - now) + bucket.queued - bucket.burst_ms
end
${PACE_LUA}
-- limits: { rates = { rpm = { perMs, burstMs, travel }, ... }, concurrency = n or nil }
local scopes = {}
local function scope_of(name, limits)
  local scope = scopes[name]
  if scope then return scope end
  local fields, dimensions = { 'calls|' .. name, 'hold|' .. name, 'pace|' .. name, 'rpm|' .. name }, { 'rpm' }
  for dimension in pairs(limits.rates) do
    if dimension ~= 'rpm' then
      dimensions[#dimensions + 1] = dimension
      fields[#fields + 1] = dimension .. '|' .. name
    end
  end
  local values = redis.call('HMGET', BUCKETS, unpack(fields))
  scope = { name = name, calls = tonumber(values[1]) or 0, hold = tonumber(values[2]) or 0,
    concurrency = limits.concurrency or math.huge, buckets = {}, changed = {} }
  for i, dimension in ipairs(dimensions) do
    local rate = limits.rates[dimension] or {}
    local bucket = { full_at = 0, cap = 0, raised_at = 0, sum = 0, weight = 0, flow_at = now, taken = 0, pending = 0, queued = 0,
      burst_ms = rate[2], travel = rate[3] }
    if values[i + 3] then
      local full_at, cap, raised_at, sum, weight, flow_at, pending = string.match(values[i + 3], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
      -- What an older version left there is forgotten.
      if full_at then
        bucket.full_at, bucket.cap, bucket.raised_at = tonumber(full_at), tonumber(cap), tonumber(raised_at)
        bucket.sum, bucket.weight, bucket.flow_at, bucket.pending = tonumber(sum), tonumber(weight), tonumber(flow_at), tonumber(pending)
      end
    end
    -- Without a rate it limits nothing; its flow is kept all the same.
    bucket.configured = rate[1]
    bucket.per_ms = rate[1] and bucket.cap > 0 and math.min(rate[1], bucket.cap) or rate[1]
    scope.buckets[dimension] = bucket
  end
  load_pace(scope, values[3])
  scopes[name] = scope
  return scope
end

-- is_new: a call is let in; else a call's end corrects its charge.
local function charge_bucket(scope, dimension, amount, is_new)
  local bucket = scope.buckets[dimension]
  if not bucket or amount == 0 then return end
  if bucket.per_ms then
    local amount_ms = amount / bucket.per_ms
    bucket.full_at = charged_full_at(bucket.full_at + (is_new and travel_of(bucket, amount_ms) or 0), amount_ms)
  end
  bucket.taken = bucket.taken + amount
  scope.changed[dimension] = true
  if dimension == 'rpm' and scope.pace then charge_pace(scope, amount) end
end

-- A call that had a ticket is on its way.
local function redeem_scope(scope, paid)
  for dimension, bucket in pairs(scope.buckets) do
    if bucket.per_ms and paid[dimension] > 0 then
      bucket.full_at = math.max(bucket.full_at, now + paid[dimension] / bucket.per_ms)
      scope.changed[dimension] = true
    end
  end
end

-- A ticket is given (1), or is out no more (-1).
local function count_ticket(scope, paid, sign)
  for dimension, bucket in pairs(scope.buckets) do
    if bucket.per_ms and paid[dimension] > 0 then
      bucket.pending = math.max(0, bucket.pending + sign * paid[dimension])
      scope.changed[dimension] = true
    end
  end
end

-- Of an unused ticket.
local function refund_scope(scope, paid, ticket)
  for dimension, bucket in pairs(scope.buckets) do
    local amount = paid[dimension]
    if amount > 0 then
      if bucket.per_ms then
        bucket.full_at = refunded_full_at(bucket.full_at, amount / bucket.per_ms, bucket.burst_ms, ticket)
      end
      bucket.taken = bucket.taken - amount
      scope.changed[dimension] = true
    end
  end
  if scope.pace and paid.rpm > 0 then refund_pace(scope, paid.rpm, ticket) end
end

local function flow_of(bucket)
  if bucket.sum == 0 and bucket.weight == 0 then return bucket.taken, 0 end
  local fading = math.exp(-math.max(0, now - bucket.flow_at) / ${FLOW_MEMORY_MS})
  return bucket.sum * fading + bucket.taken, bucket.weight * fading + ${FLOW_MEMORY_MS} * (1 - fading)
end

local function read_header(scope, reading)
  local bucket = scope.buckets[reading.dimension]
  if reading.perMs then
    bucket.cap = reading.perMs
    bucket.per_ms = bucket.cap > 0 and math.min(bucket.configured, bucket.cap) or bucket.configured
  end
  if reading.levelMs then bucket.full_at = math.max(bucket.full_at, now + bucket.burst_ms - reading.levelMs) end
  if reading.takenMs then
    -- A ticket of a process that died is never counted out: it only keeps the bucket from being raised by as much.
    local excess = bucket.full_at - now - reading.takenMs - bucket.pending / bucket.per_ms - ${RAISE_BEYOND_MS}
    if excess > 0 then
      bucket.full_at = bucket.full_at - math.min(excess, ${RAISE_SHARE} * math.min(${RAISE_WITHIN_MS}, now - bucket.raised_at))
      bucket.raised_at = now
    end
  end
  scope.changed[reading.dimension] = true
end

local function hold_scope(scope, ms)
  if now + ms <= scope.hold then return end
  scope.hold = now + ms
  scope.changed['hold'] = string.format('%.4f', scope.hold)
end

local function add_calls(scope, count)
  scope.calls = scope.calls + count
  scope.changed['calls'] = tostring(scope.calls)
end

local function save_scopes()
  local pairs_to_set = {}
  for _, scope in pairs(scopes) do
    for field, value in pairs(scope.changed) do
      local bucket = scope.buckets[field]
      if bucket then
        local sum, weight = flow_of(bucket)
        value = string.format('%.4f %.12g %.3f %.10g %.10g %.3f %.6g', bucket.full_at, bucket.cap, bucket.raised_at, sum, weight, now, bucket.pending)
      end
      pairs_to_set[#pairs_to_set + 1] = field .. '|' .. scope.name
      pairs_to_set[#pairs_to_set + 1] = value
    end
    save_pace(scope, pairs_to_set)
  end
  if #pairs_to_set > 0 then redis.call('HSET', BUCKETS, unpack(pairs_to_set)) end
end
`;
