// Which calls a vendor took, and which it refused, over the time of a run: what a model bears is known from that, whatever is configured of its limits.
//
// Only the time around refusals tells of it. Before and after them a model may have had little to do, or nothing for days, and was refused nothing.

import type { ModelId } from "../job/names.ts";
import type { TrailEntry } from "../job/trail.ts";

/** When the calls began, unix ms, in any order. */
export interface TakenCalls {
  readonly taken: number[];
  readonly refused: number[];
}

export type TakenByModel = Map<ModelId, TakenCalls>;

/** Of fewer calls it can't be told what holds them. */
const LEAST_CALLS = 50;
/** Fewer are slips: the fleet itself keeps below a tenth of a per cent. */
const LEAST_REFUSED_SHARE = 0.005;
/** Who goes on asking at a vendor's limit is refused again within some ten seconds, for so fast its pace recovers (src/limits/pace.ts). */
const NEAR_MS = 15_000;
/** Those of one moment tell of what may go at once, and of no pace. */
const LEAST_MOMENTS = 3;
const MOMENT_MS = 1_000;

export function countTaken(all: TakenByModel, trail: readonly Pick<TrailEntry, "model" | "outcome" | "startedAt">[]): void {
  for (const { model, outcome, startedAt } of trail) {
    const calls = all.get(model) ?? { taken: [], refused: [] };
    all.set(model, calls);
    (outcome === "throttled" ? calls.refused : calls.taken).push(startedAt);
  }
}

/**
 * Calls per millisecond that each model took while it refused others: more it doesn't bear. `runs`: the newest first; the newest with enough calls to a model decides, for
 * limits are raised, too. `burstMs`: so much of its rate's time a vendor takes at once, and not at its pace.
 */
export function refusedPaces(runs: readonly TakenByModel[], burstMs: number): ReadonlyMap<ModelId, number> {
  const decided = new Set<ModelId>();
  const paces = new Map<ModelId, number>();
  for (const run of runs) {
    for (const [model, calls] of run) {
      if (decided.has(model) || calls.taken.length + calls.refused.length < LEAST_CALLS) continue;
      decided.add(model);
      const pace = heldPace(calls, burstMs);
      if (pace !== undefined) paces.set(model, pace);
    }
  }
  return paces;
}

/** Undefined where nothing held it for long enough. */
function heldPace({ taken, refused }: TakenCalls, burstMs: number): number | undefined {
  const begun = taken.toSorted(ascending);
  let [calls, refusals, ms] = [0, 0, 0];
  let next = 0;
  for (const spell of spellsOf(refused)) {
    const [from, to] = [spell[0]! - NEAR_MS, spell.at(-1)! + NEAR_MS];
    while (next < begun.length && begun[next]! < from) next++;
    const first = next;
    while (next < begun.length && begun[next]! <= to) next++;
    if (next === first || momentsOf(spell) < LEAST_MOMENTS) continue;
    calls += next - first;
    refusals += spell.length;
    ms += Math.max(begun[next - 1]!, spell.at(-1)!) - Math.min(begun[first]!, spell[0]!) + burstMs;
  }
  return calls >= LEAST_CALLS && refusals >= LEAST_REFUSED_SHARE * (calls + refusals) ? calls / ms : undefined;
}

/** Refusals that came one after the other, none of them far from the next. */
function spellsOf(refused: readonly number[]): readonly (readonly number[])[] {
  const spells: number[][] = [];
  for (const at of refused.toSorted(ascending)) {
    const last = spells.at(-1);
    if (last && at - last.at(-1)! <= 2 * NEAR_MS) last.push(at);
    else spells.push([at]);
  }
  return spells;
}

function momentsOf(spell: readonly number[]): number {
  let moments = 0;
  let since = Number.NEGATIVE_INFINITY;
  for (const at of spell) {
    if (at - since < MOMENT_MS) continue;
    moments++;
    since = at;
  }
  return moments;
}

function ascending(a: number, b: number): number {
  return a - b;
}
