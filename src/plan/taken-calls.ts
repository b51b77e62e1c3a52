// How many calls a vendor took, and how many it refused, over the time of a run: where a model's limits aren't known, what it bears is known from that.

import type { ModelId } from "../job/names.ts";
import type { TrailEntry } from "../job/trail.ts";

export interface TakenCalls {
  taken: number;
  refused: number;
  /** Unix ms: the first one's beginning, the last one's end. */
  firstAt: number;
  lastAt: number;
}

export type TakenByModel = Map<ModelId, TakenCalls>;

const NONE: TakenCalls = { taken: 0, refused: 0, firstAt: Number.POSITIVE_INFINITY, lastAt: 0 };
/** Of fewer calls it can't be told what holds them. */
const LEAST_CALLS = 50;
const LEAST_REFUSED = 2;
/** Fewer are slips: the fleet itself keeps below a tenth of a per cent. */
const LEAST_REFUSED_SHARE = 0.005;

export function countTaken(all: TakenByModel, trail: readonly Pick<TrailEntry, "model" | "outcome" | "startedAt" | "latencyMs">[]): void {
  for (const { model, outcome, startedAt, latencyMs } of trail) {
    const sum = all.get(model) ?? { ...NONE };
    all.set(model, sum);
    if (outcome === "throttled") sum.refused++;
    else sum.taken++;
    sum.firstAt = Math.min(sum.firstAt, startedAt);
    sum.lastAt = Math.max(sum.lastAt, startedAt + latencyMs);
  }
}

/**
 * Calls per millisecond that each model took while it refused others: more it doesn't bear. `runs`: the newest first; the newest with enough calls to a model decides, for
 * limits are raised, too.
 */
export function refusedPaces(runs: readonly TakenByModel[]): ReadonlyMap<ModelId, number> {
  const decided = new Set<ModelId>();
  const paces = new Map<ModelId, number>();
  for (const run of runs) {
    for (const [model, { taken, refused, firstAt, lastAt }] of run) {
      if (decided.has(model) || taken + refused < LEAST_CALLS) continue;
      decided.add(model);
      const isHeld = refused >= Math.max(LEAST_REFUSED, LEAST_REFUSED_SHARE * (taken + refused));
      if (isHeld) paces.set(model, taken / Math.max(1, lastAt - firstAt));
    }
  }
  return paces;
}
