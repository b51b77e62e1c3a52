// The table of models in `modelfleet status`: who takes calls, how near to its limits, and what keeps it from more. It fits a terminal of 120 columns;
// reasons, which may be long, stand below it.

import type { ModelId } from "../src/job/names.ts";
import { shareOf, tightestUse, type LimitUse } from "../src/limits/limit-use.ts";
import { formatCount, formatDuration, formatUsd } from "../src/report/format.ts";
import type { ModelStatus } from "../queues/fleet-status.ts";
import { heldMs } from "../queues/model-status.ts";
import { table } from "./table.ts";

const WIDTH = 118;
const NOTHING = "–";
const MINUTE_MS = 60_000;

/** `now`: unix ms. */
export function modelTable(models: readonly ModelStatus[], now: number): string {
  const rows = models.map((model) => [
    model.model,
    breakerOf(model, now),
    limitUse(model.use),
    slowedBy(model, now),
    callsPerMinute(model.use),
    model.isConfigured ? `${formatCount(model.use.inFlight)}/${formatCount(model.slots)}` : NOTHING,
    formatCount(model.waiting + model.delayed),
    formatCount(model.calls),
    model.isPriced ? formatUsd(model.costNanoUsd) : "no price",
  ]);
  const head = ["model", "breaker", "limit use", "slowed", "per min", "in flight", "waiting", "calls", "cost"];
  return [table(head, rows), ...reasons(models)].join("");
}

function breakerOf({ breaker, isConfigured }: ModelStatus, now: number): string {
  if (!isConfigured) return NOTHING;
  return breaker.kind === "open" ? `open ${timeLeft(breaker.openUntil - now)}` : breaker.kind;
}

/** In whole minutes, where it is some: narrow. */
function timeLeft(ms: number): string {
  return ms > MINUTE_MS && ms < 120 * MINUTE_MS ? `${Math.ceil(ms / MINUTE_MS)} min` : formatDuration(Math.max(0, ms));
}

/** Of the dimension nearest to its limit: `98 % rpm`. */
function limitUse(use: LimitUse): string {
  const tightest = tightestUse(use);
  return tightest ? `${Math.round(100 * shareOf(tightest))} % ${tightest.dimension}` : NOTHING;
}

/** What keeps a model below its limits: its vendor's word, or a pace learned from refusals. */
function slowedBy(model: ModelStatus, now: number): string {
  const ms = heldMs(model, now);
  if (ms > 0) return `held ${timeLeft(ms)}`;
  const { pacePerMinute } = model.use;
  return pacePerMinute === undefined ? NOTHING : `paced ${formatCount(Math.round(pacePerMinute))}/min`;
}

/** Some more digits where calls are rare. */
function callsPerMinute({ callsPerMinute: rate }: LimitUse): string {
  return rate < 0.05 || rate >= 10 ? formatCount(Math.round(rate)) : rate.toFixed(1);
}

/** Why breakers are not closed; a reason that several models have stands there once. */
function reasons(models: readonly ModelStatus[]): readonly string[] {
  const byReason = new Map<string, ModelId[]>();
  for (const { model, breaker } of models) {
    if (breaker.kind !== "closed") byReason.set(breaker.reason, [...(byReason.get(breaker.reason) ?? []), model]);
  }
  return Array.from(byReason, ([reason, these]) => {
    const line = `  ${these.join(", ")}: ${reason}`;
    return `${line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line}\n`;
  });
}
