// observe: lowers buckets to what the vendor says is left of them. The model's own bucket, where it has that dimension, else its account's.
//
// KEYS   buckets, leases, expiries, uncertain
// ARGV   1 JSON { scopes: { <model id or *>: { rates: { <dimension>: [perMs, burstMs] } } }, readings: [{ model, dimension, remaining }] }
// Reply  nothing

import { redisScript } from "../runtime/redis-script.ts";
import { SCOPE_LUA } from "./scope-lua.ts";

export const lowerScript = redisScript(`${SCOPE_LUA}
local input = cjson.decode(ARGV[1])
for _, reading in ipairs(input.readings) do
  local scope = scope_of(reading.model, input.scopes[reading.model])
  if not scope.buckets[reading.dimension] then scope = scope_of('*', input.scopes['*']) end
  local bucket = scope.buckets[reading.dimension]
  if bucket then
    local full_at = now + bucket.burst_ms - reading.remaining / bucket.per_ms
    if full_at > bucket.full_at then
      bucket.full_at = full_at
      scope.changed[reading.dimension .. '|' .. scope.name] = string.format('%.4f', full_at)
    end
  end
end
save_scopes()
`);
