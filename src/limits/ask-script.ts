// acquire: leave for calls, all dimensions of model and account or none. The rules are those of memory-book.ts.
//
// KEYS   buckets, leases, expiries, uncertain
// ARGV   1 JSON { uncertainMs, passes: { <model id>: [<scope>...] }, scopes: { <scope>: { rates: { <dimension>: [perMs, burstMs] }, concurrency? } },
//          asks: [{ call, model, nonce, charge, inputTokens, outputTokens, leaseMs, patienceMs }] }
// Reply  one per ask, in order: ['granted'] · ['granted', startedAt, inputTokens, outputTokens] (cut off before) · ['refused', waitMs, by, scope]

import { redisScript } from "../runtime/redis-script.ts";
import { SCOPE_LUA } from "./scope-lua.ts";

export const askScript = redisScript(`${SCOPE_LUA}
local input = cjson.decode(ARGV[1])

-- Leases that ran out give their place back and are kept as uncertain; uncertain records end after their time.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now, 'LIMIT', 0, 200)) do
  redis.call('ZREM', EXPIRIES, member)
  if string.sub(member, 1, 1) == '?' then
    redis.call('HDEL', UNCERTAIN, string.sub(member, 2))
  else
    local text = redis.call('HGET', LEASES, member)
    if text then
      redis.call('HDEL', LEASES, member)
      for _, name in ipairs(cjson.decode(text).passes) do redis.call('HINCRBY', BUCKETS, 'calls|' .. name, -1) end
      redis.call('HSET', UNCERTAIN, member, text)
      redis.call('ZADD', EXPIRIES, now + input.uncertainMs, '?' .. member)
    end
  end
end

local RATE = { rpm = true, rpd = true, tpm = true, itpm = true, otpm = true, pace = true }

local function refusal_by(scope, ask, own)
  local wait, by = -1, nil
  local function refuse(ms, reason) if ms > wait then wait, by = ms, reason end end
  if scope.calls - own >= scope.concurrency then refuse(0, 'calls') end
  if scope.hold > now then refuse(scope.hold - now, 'hold') end
  if scope.head and scope.head_until > now and scope.head ~= ask.nonce then refuse(math.max(1, scope.head_until - LATE_MS - now), 'line') end
  for dimension, bucket in pairs(scope.buckets) do
    local ms = bucket_wait(bucket, ask.charge[dimension])
    if ms > 0.001 then refuse(ms, dimension) end
  end
  if scope.pace then
    local ms = pace_wait(scope.pace, ask.charge.rpm)
    if ms > 0.001 then refuse(ms, 'pace') end
  end
  if by then return { wait = wait, by = by, scope = scope } end
end

-- Later asks of the same limit stand behind this one.
local function queue_at(scope, ask, worst)
  if not scope.has_line and worst.scope == scope and RATE[worst.by] and worst.wait <= ask.patienceMs then
    scope.head, scope.head_until = ask.nonce, now + worst.wait + LATE_MS
    scope.changed['head'] = string.format('%.4f %s', scope.head_until, ask.nonce)
  end
  scope.has_line = true
  for dimension, bucket in pairs(scope.buckets) do
    if bucket.per_ms then bucket.queued = bucket.queued + ask.charge[dimension] / bucket.per_ms end
  end
  if scope.pace then scope.pace.queued = scope.pace.queued + ask.charge.rpm / pace_rate(scope.pace) end
end

local function grant_at(scope, ask)
  for dimension in pairs(scope.buckets) do charge_bucket(scope, dimension, ask.charge[dimension]) end
  add_calls(scope, 1)
  if scope.head == ask.nonce then
    scope.head, scope.head_until = nil, 0
    scope.changed['head'] = '0 -'
  end
end

local function passed_by(model)
  local passed = {}
  for i, name in ipairs(input.passes[model]) do passed[i] = scope_of(name, input.scopes[name]) end
  return passed
end

local replies = {}
for i, ask in ipairs(input.asks) do
  local text = redis.call('HGET', LEASES, ask.call)
  local earlier = text and cjson.decode(text)
  if earlier and earlier.nonce == ask.nonce then
    replies[i] = { 'granted' }
  else
    local passed, own = passed_by(ask.model), earlier and 1 or 0
    local refusals, worst = {}, nil
    for k, scope in ipairs(passed) do
      local refusal = refusal_by(scope, ask, own)
      refusals[k] = refusal or false
      if refusal and (not worst or refusal.wait > worst.wait) then worst = refusal end
    end
    if worst then
      -- The model's line is joined whoever refused; another's only where it refused.
      for k, scope in ipairs(passed) do
        if k == 1 or refusals[k] then queue_at(scope, ask, worst) end
      end
      replies[i] = { 'refused', math.ceil(worst.wait), worst.by, worst.scope.name }
    else
      for _, scope in ipairs(passed) do
        if earlier then add_calls(scope, -1) end
        grant_at(scope, ask)
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
      replies[i] = lost and { 'granted', lost.startedAt, lost.inputTokens, lost.outputTokens } or { 'granted' }
    end
  end
end
save_scopes()
return replies
`);
