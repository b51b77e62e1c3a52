// acquire: leave for calls, all dimensions of model and account or none. The rules are those of memory-book.ts.
//
// KEYS   buckets, leases, expiries, uncertain
// ARGV   1 JSON { lateMs, uncertainMs, scopes: { <model id or *>: { rates: { <dimension>: [perMs, burstMs] }, concurrency? } },
//          asks: [{ call, model, nonce, charge, floor, inputTokens, outputTokens, leaseMs, patienceMs }] }
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
      redis.call('HINCRBY', BUCKETS, 'calls|' .. cjson.decode(text).model, -1)
      redis.call('HINCRBY', BUCKETS, 'calls|*', -1)
      redis.call('HSET', UNCERTAIN, member, text)
      redis.call('ZADD', EXPIRIES, now + input.uncertainMs, '?' .. member)
    end
  end
end

local RATE = { rpm = true, tpm = true, itpm = true, otpm = true }

local function refusal_by(scope, ask, own)
  local wait, by = -1, nil
  local function refuse(ms, reason) if ms > wait then wait, by = ms, reason end end
  if scope.calls - own >= scope.concurrency then refuse(0, 'calls') end
  if scope.hold > now then refuse(scope.hold - now, 'hold') end
  if scope.head and scope.head_until > now and scope.head ~= ask.nonce then
    refuse(math.max(1, scope.head_until - input.lateMs - now), 'line')
  end
  for dimension, bucket in pairs(scope.buckets) do
    local amount = ask.charge[dimension]
    if amount > 0 then
      local debt = math.max(0, bucket.full_at - now) + bucket.queued
      local ms = debt + math.min(amount / bucket.per_ms, bucket.burst_ms) - bucket.burst_ms
      if ms > 0.001 then refuse(ms, dimension) end
    end
  end
  if by then return { wait = wait, by = by, scope = scope } end
end

-- Later asks of the same limit stand behind this one.
local function queue_at(scope, ask, worst)
  if not scope.has_line and worst.scope == scope and RATE[worst.by] and worst.wait <= ask.patienceMs then
    scope.head, scope.head_until = ask.nonce, now + worst.wait + input.lateMs
    scope.changed['head|' .. scope.name] = string.format('%.4f %s', scope.head_until, ask.nonce)
  end
  scope.has_line = true
  for dimension, bucket in pairs(scope.buckets) do
    bucket.queued = bucket.queued + ask.charge[dimension] / bucket.per_ms
  end
end

local function grant_at(scope, ask)
  for dimension in pairs(scope.buckets) do charge_bucket(scope, dimension, ask.charge[dimension]) end
  add_calls(scope, 1)
  if scope.head == ask.nonce then
    scope.head, scope.head_until = nil, 0
    scope.changed['head|' .. scope.name] = '0 -'
  end
end

local replies = {}
for i, ask in ipairs(input.asks) do
  local text = redis.call('HGET', LEASES, ask.call)
  local earlier = text and cjson.decode(text)
  if earlier and earlier.nonce == ask.nonce then
    replies[i] = { 'granted' }
  else
    local model, account = scope_of(ask.model, input.scopes[ask.model]), scope_of('*', input.scopes['*'])
    local own = earlier and 1 or 0
    local at_model, at_account = refusal_by(model, ask, own), refusal_by(account, ask, own)
    local worst = at_model
    if at_account and (not worst or at_account.wait > worst.wait) then worst = at_account end
    if worst then
      queue_at(model, ask, worst)
      if at_account then queue_at(account, ask, worst) end
      replies[i] = { 'refused', math.ceil(worst.wait), worst.by, worst.scope.name }
    else
      if earlier then
        add_calls(model, -1)
        add_calls(account, -1)
      end
      grant_at(model, ask)
      grant_at(account, ask)
      local lost = earlier
      if not lost then
        text = redis.call('HGET', UNCERTAIN, ask.call)
        if text then
          lost = cjson.decode(text)
          redis.call('HDEL', UNCERTAIN, ask.call)
          redis.call('ZREM', EXPIRIES, '?' .. ask.call)
        end
      end
      redis.call('HSET', LEASES, ask.call, cjson.encode({ model = ask.model, nonce = ask.nonce, startedAt = math.floor(now),
        inputTokens = ask.inputTokens, outputTokens = ask.outputTokens, charge = ask.charge, floor = ask.floor }))
      redis.call('ZADD', EXPIRIES, now + ask.leaseMs, ask.call)
      replies[i] = lost and { 'granted', lost.startedAt, lost.inputTokens, lost.outputTokens } or { 'granted' }
    end
  end
end
save_scopes()
return replies
`);
