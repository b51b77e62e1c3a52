// settle and release: the end of permits. Takes the lease (or the uncertain record, when the lease ran out before the call ended) away and
// corrects the buckets by what the call used, or gives everything back.
//
// KEYS   buckets, leases, expiries, uncertain
// ARGV   1 JSON { scopes: { <model id or *>: { rates: { <dimension>: [perMs, burstMs] } } },
//          endings: [{ call, nonce?, ending: { kind: 'used' | 'kept' | 'unused', used? } }] }
// Reply  how many permits were known

import { redisScript } from "../runtime/redis-script.ts";
import { SCOPE_LUA } from "./scope-lua.ts";

export const endScript = redisScript(`${SCOPE_LUA}
local input = cjson.decode(ARGV[1])
local known = 0
for _, item in ipairs(input.endings) do
  local text = redis.call('HGET', LEASES, item.call)
  local leased = text and true or false
  if not text then text = redis.call('HGET', UNCERTAIN, item.call) end
  local permit = text and cjson.decode(text)
  if permit and (not item.nonce or item.nonce == permit.nonce) then
    known = known + 1
    local no_limits = { rates = {} }
    local model = scope_of(permit.model, input.scopes[permit.model] or no_limits)
    local account = scope_of('*', input.scopes['*'])
    if leased then
      redis.call('HDEL', LEASES, item.call)
      redis.call('ZREM', EXPIRIES, item.call)
      add_calls(model, -1)
      add_calls(account, -1)
    else
      redis.call('HDEL', UNCERTAIN, item.call)
      redis.call('ZREM', EXPIRIES, '?' .. item.call)
    end
    if item.ending.kind ~= 'kept' then
      for dimension, charged in pairs(permit.charge) do
        local final = 0
        if item.ending.kind == 'used' then final = math.max(item.ending.used[dimension], permit.floor[dimension]) end
        charge_bucket(model, dimension, final - charged)
        charge_bucket(account, dimension, final - charged)
      end
    end
  end
end
save_scopes()
return known
`);
