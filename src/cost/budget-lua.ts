// The Lua that the scripts of the budgets begin with: time, periods, and what becomes of reservations whose lifetime is over.
//
// KEYS  1 spent (hash account@period → nano-dollars) · 2 reserved (the same) · 3 reservations (hash id → JSON { amount (text: cjson writes 14 digits), accounts, isOver?, isSettled? }) · 4 expiries (sorted set of
//       reservation ids by the end of their lifetime, and of `@account@period` by when it is forgotten) · 5 limits (hash budget → raised limit, and account → limit of its own) · 6 refused (hash
//       account@period → `amount@unix ms` of the last refusal, and `@unix ms` when a call was last held back because of it)
// All amounts are whole nano-dollars: exact in Lua's doubles up to nine million dollars.

export const BUDGET_LUA = `
local SPENT, RESERVED, RESERVATIONS, EXPIRIES, LIMITS, REFUSED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- How long an account's period is remembered after the last call that counted in it; what is over all time, for ever.
local KEPT_MS = { hour = 3 * 3600000, day = 2 * 86400000, month = 32 * 86400000 }
local LATE_MS = 86400000
local SETTLED_MS = 120000

-- Months since the year 0, from days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
local function month_of(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return year * 12 + month - 1
end

local function period_of(per)
  if per == 'hour' then return math.floor(now / 3600000) end
  if per == 'day' then return math.floor(now / 86400000) end
  if per == 'month' then return month_of(math.floor(now / 86400000)) end
  return 0
end

local function field_of(account) return account.id .. '@' .. period_of(account.per) end

local function amount_in(hash, field) return tonumber(redis.call('HGET', hash, field) or '0') end

-- Never "-0", which HINCRBY takes for no number at all: a negated zero is one.
local function whole(amount)
  local text = string.format('%.0f', amount)
  return text == '-0' and '0' or text
end

local function add_spent(account_field, amount, kept_ms)
  redis.call('HINCRBY', SPENT, account_field, whole(amount))
  if kept_ms then redis.call('ZADD', EXPIRIES, now + kept_ms, '@' .. account_field) end
end

local function free_reserved(account_field, amount)
  if redis.call('HINCRBY', RESERVED, account_field, whole(-amount)) <= 0 then redis.call('HDEL', RESERVED, account_field) end
end

-- Whose lifetime is over counts as spent, and is remembered for a day: its call may end yet.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now, 'LIMIT', 0, 200)) do
  redis.call('ZREM', EXPIRIES, member)
  if string.sub(member, 1, 1) == '@' then
    redis.call('HDEL', SPENT, string.sub(member, 2))
    redis.call('HDEL', REFUSED, string.sub(member, 2))
  else
    local text = redis.call('HGET', RESERVATIONS, member)
    local reservation = text and cjson.decode(text)
    if reservation and reservation.isOver then
      redis.call('HDEL', RESERVATIONS, member)
    elseif reservation then
      for _, account in ipairs(reservation.accounts) do
        free_reserved(account.field, tonumber(reservation.amount))
        add_spent(account.field, tonumber(reservation.amount), account.keptMs)
      end
      reservation.isOver = true
      redis.call('HSET', RESERVATIONS, member, cjson.encode(reservation))
      redis.call('ZADD', EXPIRIES, now + LATE_MS, member)
    end
  end
end
`;
