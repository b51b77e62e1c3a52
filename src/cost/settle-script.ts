// settle and release: reserved money becomes what was spent.
//
// KEYS   as in budget-lua.ts
// ARGV   1 JSON [{ id, cost, accounts: [{ id, per }] }]; `accounts`: for a reservation that isn't known (any more)
// Reply  how many reservations were known

import { redisScript } from "../runtime/redis-script.ts";
import { BUDGET_LUA } from "./budget-lua.ts";

export const settleScript = redisScript(`${BUDGET_LUA}
local known = 0
-- Remembered for a while: a command that is sent again after a lost connection counts nothing twice.
local function settled(id)
  redis.call('HSET', RESERVATIONS, id, '{"isSettled":true,"isOver":true,"accounts":{},"amount":"0"}')
  redis.call('ZADD', EXPIRIES, now + SETTLED_MS, id)
end
for _, item in ipairs(cjson.decode(ARGV[1])) do
  local text = redis.call('HGET', RESERVATIONS, item.id)
  local reservation = text and cjson.decode(text)
  if reservation and reservation.isSettled then
    known = known + 1
  elseif reservation then
    known = known + 1
    for _, account in ipairs(reservation.accounts) do
      local amount = tonumber(reservation.amount)
      if not reservation.isOver then free_reserved(account.field, amount) end
      local spent = item.cost - (reservation.isOver and amount or 0)
      if spent ~= 0 then add_spent(account.field, spent, account.keptMs) end
    end
    settled(item.id)
  elseif item.cost > 0 then
    settled(item.id)
    for _, account in ipairs(item.accounts) do add_spent(field_of(account), item.cost, KEPT_MS[account.per]) end
  end
end
return known
`);
