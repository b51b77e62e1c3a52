// settle and release: the end of permits. Takes the lease (or the uncertain record, when the lease ran out before the call ended) away, corrects
// the buckets by what the call used, and takes the vendor's word on its limits. The rules are those of memory-book.ts.
//
// KEYS   buckets, leases, expiries, uncertain
// ARGV   1 JSON { passes: { <model id>: [<scope>...] }, scopes: { <scope>: { rates: { <dimension>: [perMs, burstMs] } } },
//          endings: [{ call, model, nonce?, final: { kind: 'used' | 'kept' | 'unused', used? }, refund?, isWelcome?,
//            readings?: [{ dimension, levelMs?, takenMs?, perMs? }], refusal?: { waitMs, pace? } }] }
// Reply  how many permits were known

import { redisScript } from "../runtime/redis-script.ts";
import { SCOPE_LUA } from "./scope-lua.ts";

export const endScript = redisScript(`${SCOPE_LUA}
local input = cjson.decode(ARGV[1])
local NO_LIMITS = { rates = {} }
local known = 0

local function take_away(item, leased)
  local text = leased or redis.call('HGET', UNCERTAIN, item.call)
  local permit = text and cjson.decode(text)
  if not permit or (item.nonce and item.nonce ~= permit.nonce) then return nil end
  redis.call('HDEL', leased and LEASES or UNCERTAIN, item.call)
  redis.call('ZREM', EXPIRIES, leased and item.call or '?' .. item.call)
  return permit
end

for _, item in ipairs(input.endings) do
  local leased = redis.call('HGET', LEASES, item.call)
  local permit = take_away(item, leased)
  local model = scope_of(input.passes[item.model][1], input.scopes[input.passes[item.model][1]])
  if permit then
    known = known + 1
    for _, name in ipairs(permit.passes or input.passes[item.model]) do
      local scope = scope_of(name, input.scopes[name] or NO_LIMITS)
      if leased then add_calls(scope, -1) end
      if item.final.kind ~= 'kept' then
        local used = item.final.used or {}
        for dimension, charged in pairs(permit.charge) do charge_bucket(scope, dimension, (used[dimension] or 0) - charged) end
      end
    end
    if item.isWelcome then welcome_pace(model, permit.startedAt) end
  end
  if item.refund then
    for _, name in ipairs(input.passes[item.model]) do
      local scope = scope_of(name, input.scopes[name])
      count_ticket(scope, item.refund.charge, -1)
      refund_scope(scope, item.refund.charge, item.refund.ticket)
    end
  end
  for _, reading in ipairs(item.readings or {}) do
    for _, name in ipairs(input.passes[item.model]) do
      if input.scopes[name].rates[reading.dimension] then
        read_header(scope_of(name, input.scopes[name]), reading)
        break
      end
    end
  end
  if item.refusal then
    local ms = item.refusal.waitMs
    if item.refusal.pace and permit then
      local sum, weight = flow_of(model.buckets.rpm)
      ms = math.max(ms, lower_pace(model, item.refusal.pace, permit.startedAt, math.max(0, sum) / math.max(1000, weight)))
    end
    hold_scope(model, ms)
  end
end
save_scopes()
return known
`);
