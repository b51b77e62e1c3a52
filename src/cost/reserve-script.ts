// reserve: money for calls, in all their accounts or in none.
//
// KEYS   as in budget-lua.ts
// ARGV   1 JSON [{ id, amount, lifetimeMs, accounts: [{ id, per, name, limit, isBinding }] }]
// Reply  one per ask, in order: 0 reserved, or n: the n-th account (from 1) has too little

import { redisScript } from "../runtime/redis-script.ts";
import { BUDGET_LUA } from "./budget-lua.ts";

export const reserveScript = redisScript(`${BUDGET_LUA}
local replies = {}
for i, ask in ipairs(cjson.decode(ARGV[1])) do
  local short, kept = 0, {}
  -- Sent again after a lost connection: it is reserved already, and maybe settled.
  local is_known = redis.call('HEXISTS', RESERVATIONS, ask.id) == 1
  for k, account in ipairs(is_known and {} or ask.accounts) do
    local field = field_of(account)
    kept[k] = { field = field, keptMs = KEPT_MS[account.per] }
    local limit = tonumber(redis.call('HGET', LIMITS, account.id) or redis.call('HGET', LIMITS, account.name) or account.limit)
    -- What costs nothing passes every budget.
    if account.isBinding and short == 0 and ask.amount > 0 and amount_in(SPENT, field) + amount_in(RESERVED, field) + ask.amount > limit then
      short = k
      redis.call('HSET', REFUSED, field, whole(ask.amount) .. '@' .. whole(now))
      if KEPT_MS[account.per] then redis.call('ZADD', EXPIRIES, now + KEPT_MS[account.per], '@' .. field) end
    end
  end
  if short == 0 and not is_known then
    for _, account in ipairs(kept) do redis.call('HINCRBY', RESERVED, account.field, whole(ask.amount)) end
    redis.call('HSET', RESERVATIONS, ask.id, cjson.encode({ amount = whole(ask.amount), accounts = kept }))
    redis.call('ZADD', EXPIRIES, now + ask.lifetimeMs, ask.id)
  end
  replies[i] = short
end
return replies
`);
