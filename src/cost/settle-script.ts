// settle and release: reserved money becomes what was spent.
//
// KEYS   as in budget-lua.ts
// ARGV   1 JSON [{ id, cost, accounts: [{ id, per }] }]; `accounts`: for a reservation that isn't known (any more)
// Reply  how many reservations were known

import { redisScript } from "../runtime/redis-script.ts";
import { BUDGET_LUA } from "./budget-lua.ts";

export const settleScript = redisScript(`${BUDGET_LUA}
local known = 0
for _, item in ipairs(cjson.decode(ARGV[1])) do
  local text = redis.call('HGET', RESERVATIONS, item.id)
  if text then
    known = known + 1
    local reservation = cjson.decode(text)
    for _, account in ipairs(reservation.accounts) do
      if not reservation.isOver then free_reserved(account.field, reservation.amount) end
      local spent = item.cost - (reservation.isOver and reservation.amount or 0)
      if spent ~= 0 then add_spent(account.field, spent, account.isLasting) end
    end
    redis.call('HDEL', RESERVATIONS, item.id)
    redis.call('ZREM', EXPIRIES, item.id)
  elseif item.cost > 0 then
    for _, account in ipairs(item.accounts) do add_spent(field_of(account), item.cost, account.per == 'all') end
  end
end
return known
`);
