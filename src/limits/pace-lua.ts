// The pace of a model inside Redis; the rules are those of pace.ts.
//
// Field `pace|<scope>`: `<per ms> <held until> <growth> <reference> <lowered at> <the time before> <strikes> <full at>`; absent or `-`: none.

import {
  BLIND,
  DOUBLING_MS,
  FIRST_HOLD_MS,
  FLOOR_PER_MS,
  LONGEST_HOLD_MS,
  PACE_BURST_MS,
  REFERENCE_SHARE,
  SLOW_DOWN,
  SLOW_DOWN_AGAIN_MS,
  UNLIMITED_SHARE,
} from "./pace.ts";

const lua = ({ share, heldMs, growthPerMs }: typeof BLIND) => `{ share = ${share}, held = ${heldMs}, growth = ${growthPerMs} }`;

export const PACE_LUA = `
local PACES = { blind = ${lua(BLIND)}, ['slow-down'] = ${lua(SLOW_DOWN)} }

local function pace_rate(pace)
  local linear = pace.per_ms + pace.growth * math.max(0, now - pace.held_until)
  if linear <= pace.reference or pace.growth <= 0 then return linear end
  return pace.reference * 2 ^ (math.min((linear - pace.reference) / pace.growth, 100 * ${DOUBLING_MS}) / ${DOUBLING_MS})
end

-- A pace that is over is forgotten as it is read.
local function load_pace(scope, text)
  if not text or text == '-' then return end
  local per_ms, held_until, growth, reference, lowered_at, lowered_before, strikes, full_at =
    string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  if not per_ms then return end
  local pace = { per_ms = tonumber(per_ms), held_until = tonumber(held_until), growth = tonumber(growth), reference = tonumber(reference),
    lowered_at = tonumber(lowered_at), lowered_before = tonumber(lowered_before), strikes = tonumber(strikes), full_at = tonumber(full_at), queued = 0 }
  if pace_rate(pace) >= (scope.buckets.rpm.per_ms or pace.reference * ${UNLIMITED_SHARE}) then
    scope.pace_changed = true
    return
  end
  scope.pace = pace
end

local function charge_pace(scope, amount)
  scope.pace.full_at = charged_full_at(scope.pace.full_at, amount / pace_rate(scope.pace))
  scope.pace_changed = true
end

local function refund_pace(scope, amount, ticket)
  local rate = pace_rate(scope.pace)
  scope.pace.full_at = refunded_full_at(scope.pace.full_at, amount / rate, math.max(${PACE_BURST_MS}, 1 / rate), ticket)
  scope.pace_changed = true
end

-- Milliseconds until the pace allows one more call.
local function pace_wait(pace, requests)
  if requests <= 0 then return 0 end
  local rate = pace_rate(pace)
  local burst_ms = math.max(${PACE_BURST_MS}, 1 / rate)
  return math.max(0, pace.full_at - now) + pace.queued + math.min(requests / rate, burst_ms) - burst_ms
end

local function pace_line(pace)
  return math.max(0, pace.full_at - now) + pace.queued - math.max(${PACE_BURST_MS}, 1 / pace_rate(pace))
end

-- Answers with the time that the model is to be held altogether.
local function lower_pace(scope, cause, granted_at, flow)
  local pace, rule = scope.pace, PACES[cause]
  if pace and granted_at <= pace.lowered_at + HORIZON_MS then return 0 end
  if pace and cause == 'slow-down' and now - pace.lowered_at < ${SLOW_DOWN_AGAIN_MS} then return ${FIRST_HOLD_MS} end
  local current = pace and math.min(pace_rate(pace), flow) or flow
  local reference = pace and math.max(current, pace.reference * ${REFERENCE_SHARE}) or math.max(current, scope.buckets.rpm.per_ms or 0)
  local growth = reference * rule.growth
  if pace and pace.growth < reference * PACES.blind.growth then growth = math.min(pace.growth, growth) end
  local strikes = pace and pace.strikes + 1 or 0
  local least = cause == 'slow-down' and reference * ${SLOW_DOWN.leastShare} * 0.5 ^ strikes or 0
  if pace then least = math.min(least, pace_rate(pace)) end
  scope.pace = {
    per_ms = math.max(current * rule.share, least, ${FLOOR_PER_MS}),
    held_until = math.max(pace and pace.held_until or 0, now + rule.held),
    growth = growth, reference = reference, lowered_at = now, lowered_before = pace and pace.lowered_at or 0, strikes = strikes, full_at = pace and pace.full_at or 0, queued = 0,
  }
  scope.pace_changed = true
  return strikes < 2 and 0 or math.min(${LONGEST_HOLD_MS}, ${FIRST_HOLD_MS} * 2 ^ (strikes - 2))
end

local function welcome_pace(scope, granted_at)
  local pace = scope.pace
  if not pace then return end
  local strikes = granted_at > pace.lowered_at and 0 or granted_at > pace.lowered_before and 1 or pace.strikes
  if strikes < pace.strikes then
    pace.strikes = strikes
    scope.pace_changed = true
  end
end

local function save_pace(scope, pairs_to_set)
  if not scope.pace_changed then return end
  local pace = scope.pace
  pairs_to_set[#pairs_to_set + 1] = 'pace|' .. scope.name
  pairs_to_set[#pairs_to_set + 1] = pace and string.format('%.12g %.3f %.12g %.12g %.3f %.3f %d %.4f', pace.per_ms, pace.held_until, pace.growth,
    pace.reference, pace.lowered_at, pace.lowered_before, pace.strikes, pace.full_at) or '-'
end
`;
