// acquire: leave for calls, all dimensions of model and account or none. The rules are those of memory-book.ts.
//
// KEYS   buckets, leases, expiries, uncertain
// ARGV   1 JSON { uncertainMs, passes: { <model id>: [<scope>...] }, scopes: { <scope>: { rates: { <dimension>: [perMs, burstMs] }, concurrency? } },
//          asks: [{ call, model, nonce, charge, inputTokens, outputTokens, leaseMs, patienceMs, ticket? }] }
// Reply  one per ask, in order: ['granted'] · ['ticket', at, waitMs] · ['granted', nonce, startedAt, inputTokens, outputTokens] (cut off before: that grant's) · ['refused', waitMs, by, scope]

import { redisScript } from "../runtime/redis-script.ts";
import { EARLY_MS, LATE_MS } from "./permit-book.ts";
import { SCOPE_LUA } from "./scope-lua.ts";

export const askScript = redisScript(`${SCOPE_LUA}
local input = cjson.decode(ARGV[1])
local EARLY_MS, LATE_MS = ${EARLY_MS}, ${LATE_MS}

local function ticket_of(at) return { 'ticket', string.format('%.3f', at), string.format('%.3f', math.max(0, at - now)) } end

-- Leases that ran out give their place back and are kept as uncertain; uncertain records end after their time.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now, 'LIMIT', 0, 200)) do
  redis.call('ZREM', EXPIRIES, member)
  if string.sub(member, 1, 1) == '?' then
    redis.call('HDEL', UNCERTAIN, string.sub(member, 2))
  else
    local text = redis.call('HGET', LEASES, member)
    if text then
      redis.call('HDEL', LEASES, member)
      for _, name in ipairs(cjson.decode(text).passes or {}) do redis.call('HINCRBY', BUCKETS, 'calls|' .. name, -1) end
      redis.call('HSET', UNCERTAIN, member, text)
      redis.call('ZADD', EXPIRIES, now + input.uncertainMs, '?' .. member)
    end
  end
end

-- What bars the call whatever it costs.
local function bar_of(scope, own)
  local wait, by = -1, nil
  if scope.calls - own >= scope.concurrency then wait, by = 0, 'calls' end
  if scope.hold > now and scope.hold - now > wait then wait, by = scope.hold - now, 'hold' end
  return by and { wait = wait, by = by, scope = scope }
end

-- What the call would have to wait for, and how long the line is before it.
local function price_of(scope, ask)
  local wait, by, line = -1, nil, 0
  for dimension, bucket in pairs(scope.buckets) do
    local ms = bucket_wait(bucket, ask.charge[dimension])
    if ms > 0.001 and ms > wait then wait, by = ms, dimension end
    if ask.charge[dimension] > 0 then line = math.max(line, bucket_line(bucket)) end
  end
  if scope.pace then
    local ms = pace_wait(scope.pace, ask.charge.rpm)
    if ms > 0.001 and ms > wait then wait, by = ms, 'pace' end
    line = math.max(line, pace_line(scope.pace))
  end
  return by and { wait = wait, by = by, scope = scope }, line
end

local function worse(a, b)
  if not a then return b end
  return b and b.wait > a.wait and b or a
end

-- Later asks of this call of the same limit stand behind this one; nobody waits in line for a day's requests.
local function queue_at(scope, ask)
  for dimension, bucket in pairs(scope.buckets) do
    if bucket.per_ms and dimension ~= 'rpd' then bucket.queued = bucket.queued + ask.charge[dimension] / bucket.per_ms end
  end
  if scope.pace then scope.pace.queued = scope.pace.queued + ask.charge.rpm / pace_rate(scope.pace) end
end

local function charge_all(passed, charge)
  for _, scope in ipairs(passed) do
    for dimension in pairs(scope.buckets) do charge_bucket(scope, dimension, charge[dimension], true) end
  end
end

local function passed_by(model)
  local passed = {}
  for i, name in ipairs(input.passes[model]) do passed[i] = scope_of(name, input.scopes[name]) end
  return passed
end

local function refused(worst) return { 'refused', math.ceil(worst.wait), worst.by, worst.scope.name } end

-- 'paid', or what the call is answered instead.
local function pay(ask, passed, own)
  local barred
  for _, scope in ipairs(passed) do barred = worse(barred, bar_of(scope, own)) end
  if ask.ticket then
    if now < ask.ticket - EARLY_MS then return ticket_of(ask.ticket) end
    for _, scope in ipairs(passed) do count_ticket(scope, ask.charge, -1) end
    if not barred and now <= ask.ticket + LATE_MS then
      for _, scope in ipairs(passed) do redeem_scope(scope, ask.charge) end
      return 'paid'
    end
    for _, scope in ipairs(passed) do refund_scope(scope, ask.charge, ask.ticket) end
  end
  if barred then return refused(barred) end
  local worst, longest, refusals = nil, 0, {}
  for k, scope in ipairs(passed) do
    local refusal, line = price_of(scope, ask)
    refusals[k], worst, longest = refusal or false, worse(worst, refusal), math.max(longest, line)
  end
  if worst and (longest > HORIZON_MS or worst.wait > ask.patienceMs) then
    -- The model's line is joined whoever refused; another's only where it refused.
    for k, scope in ipairs(passed) do
      if k == 1 or refusals[k] then queue_at(scope, ask) end
    end
    return refused(worst)
  end
  charge_all(passed, ask.charge)
  if not worst then return 'paid' end
  for _, scope in ipairs(passed) do count_ticket(scope, ask.charge, 1) end
  return ticket_of(now + worst.wait)
end

local replies = {}
for i, ask in ipairs(input.asks) do
  local text = redis.call('HGET', LEASES, ask.call)
  local earlier = text and cjson.decode(text)
  if earlier and earlier.nonce == ask.nonce then
    replies[i] = { 'granted' }
  else
    local passed = passed_by(ask.model)
    local reply = pay(ask, passed, earlier and 1 or 0)
    if reply ~= 'paid' then
      replies[i] = reply
    else
      if not earlier then
        for _, scope in ipairs(passed) do add_calls(scope, 1) end
      end
      local lost = earlier
      if not lost then
        text = redis.call('HGET', UNCERTAIN, ask.call)
        if text then
          lost = cjson.decode(text)
          redis.call('HDEL', UNCERTAIN, ask.call)
          redis.call('ZREM', EXPIRIES, '?' .. ask.call)
        end
      end
      redis.call('HSET', LEASES, ask.call, cjson.encode({ passes = input.passes[ask.model], nonce = ask.nonce, startedAt = math.floor(now),
        inputTokens = ask.inputTokens, outputTokens = ask.outputTokens, charge = ask.charge }))
      redis.call('ZADD', EXPIRIES, now + ask.leaseMs, ask.call)
      replies[i] = lost and { 'granted', lost.nonce or '', lost.startedAt, lost.inputTokens, lost.outputTokens } or { 'granted' }
    end
  end
end
save_scopes()
return replies
`);
