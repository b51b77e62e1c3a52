// Scenes for plays: calls, models with limits of so many calls per second, steps, rows.

import type { ModelId } from "../../../src/job/names.ts";
import type { Charge, PlayedLimit } from "../../../src/plan/play/limits.ts";
import type { PlayedCall, PlayedModel } from "../../../src/plan/play/models.ts";
import type { PlayedRows, PlayedStep, Scene } from "../../../src/plan/play/route.ts";

/** As the fleet has it of a limit's rate (src/limits/bucket.ts). */
export const BURST_MS = 500;

export function perSecond(calls: number, name = "rpm"): PlayedLimit {
  return { name, rate: { amount: "rpm", perMs: calls / 1_000, burstMs: BURST_MS } };
}

export function atOnce(calls: number, name = "concurrency"): PlayedLimit {
  return { name, concurrency: calls };
}

/** Each takes as long, unless they take one of several times. */
export function callTo(model: ModelId, latencyMs: number | readonly number[], charge: Charge = { rpm: 1 }): PlayedCall {
  return { model, charge, latenciesMs: typeof latencyMs === "number" ? [latencyMs] : latencyMs };
}

/** With as many slots as such calls need, and some that wait for their permit. */
export function playedModel(
  model: ModelId,
  {
    latencyMs,
    limits = [],
    slots,
  }: { readonly latencyMs: number; readonly limits?: readonly PlayedLimit[]; readonly slots?: readonly number[] },
): PlayedModel {
  const rate = Math.min(...limits.map((limit) => limit.rate?.perMs ?? Number.POSITIVE_INFINITY));
  const allowed = Math.min(...limits.map(({ concurrency }) => concurrency ?? Number.POSITIVE_INFINITY));
  const inFlight = rate * latencyMs;
  const needed = Math.min(allowed, Number.isFinite(rate) ? Math.ceil(inFlight + 3 * Math.sqrt(inFlight) + 150 * rate + 2) : 64);
  const own = slots ?? [needed];
  return { model, limits, slots: own, perMs: Math.min(rate, own.at(-1)! / (latencyMs + 10)), toldPerMs: [rate] };
}

export function step(
  calls: PlayedCall | readonly PlayedCall[],
  { over = 0, followUps = [] }: Partial<Pick<PlayedStep, "over" | "followUps">> = {},
): PlayedStep {
  return { calls: "model" in calls ? [calls] : calls, followUps, over };
}

/** Each way is a list of steps. `firsts`: all of them, unless told otherwise. */
export function rowsBy(rows: number, ways: PlayedRows["ways"], firsts = ways.length): PlayedRows {
  return { rows, ways, firsts };
}

export function scene(
  groups: PlayedRows | readonly PlayedRows[],
  models: readonly PlayedModel[],
  choice: Scene["choice"] = IN_ORDER,
): Scene {
  return { groups: "rows" in groups ? [groups] : groups, models, windowRows: 5_000, choice };
}

const IN_ORDER: Scene["choice"] = { kind: "in-order" };
