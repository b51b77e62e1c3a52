// What calls come to: the sums that are kept of them while they come in.

import type { LedgerChange } from "../job/ledger-changes.ts";
import type { LedgerEntry } from "../job/ledger.ts";

/** Whole numbers all. */
export interface CallTotals {
  readonly calls: number;
  readonly answeredCalls: number;
  /** That may have been paid twice: beside the calls that led to the row's result, or cut off, so that another was made in its place. */
  readonly duplicateCalls: number;
  /** Cut off: booked at their estimates until the exact entry comes. */
  readonly uncertainCalls: number;
  /** Part of the cost. */
  readonly uncertainNanoUsd: number;
  /** The whole input, what was read from the vendor's cache included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  /** Booked at estimates: the uncertain ones, and those that were answered by vendors who don't say what it took. */
  readonly estimatedCalls: number;
  /** Part of the cost. */
  readonly estimatedNanoUsd: number;
}

/** In the order in which Redis holds them: new ones go to the end. */
export const TOTAL_NAMES = [
  "calls",
  "answeredCalls",
  "duplicateCalls",
  "uncertainCalls",
  "uncertainNanoUsd",
  "inputTokens",
  "cachedInputTokens",
  "outputTokens",
  "costNanoUsd",
  "estimatedCalls",
  "estimatedNanoUsd",
] as const satisfies readonly (keyof CallTotals)[];

export const NO_TOTALS: CallTotals = Object.freeze(Object.fromEntries(TOTAL_NAMES.map((name) => [name, 0])) as unknown as CallTotals);

export function addTotals(a: CallTotals, b: CallTotals): CallTotals {
  return combined(a, b, 1);
}

/** The totals of a ledger's entry, alone. Stores hold whole tokens. */
export function totalsOfEntry({ outcome, isDuplicate, isEstimated, usage, costNanoUsd }: LedgerEntry): CallTotals {
  const isUncertain = outcome === "uncertain";
  const cost = Math.round(costNanoUsd);
  return {
    calls: 1,
    answeredCalls: Number(outcome === "answered"),
    duplicateCalls: Number(isDuplicate || isUncertain),
    uncertainCalls: Number(isUncertain),
    uncertainNanoUsd: isUncertain ? cost : 0,
    inputTokens: Math.round(usage.inputTokens),
    cachedInputTokens: Math.round(usage.cachedInputTokens),
    outputTokens: Math.round(usage.outputTokens),
    costNanoUsd: cost,
    estimatedCalls: isEstimated ? 1 : 0,
    estimatedNanoUsd: isEstimated ? cost : 0,
  };
}

/** What changes of the ledger add to totals, by the place that `placeOf` gives an entry; where an entry is replaced it is also less than nothing. */
export function sumChanges(changes: readonly LedgerChange[], placeOf: (entry: LedgerEntry) => string): ReadonlyMap<string, CallTotals> {
  const sums = new Map<string, CallTotals>();
  const add = (entry: LedgerEntry, sign: 1 | -1) => {
    const place = placeOf(entry);
    sums.set(place, combined(sums.get(place) ?? NO_TOTALS, totalsOfEntry(entry), sign));
  };
  for (const { before, after } of changes) {
    if (before) add(before, -1);
    add(after, 1);
  }
  return sums;
}

function combined(a: CallTotals, b: CallTotals, sign: 1 | -1): CallTotals {
  return {
    calls: a.calls + sign * b.calls,
    answeredCalls: a.answeredCalls + sign * b.answeredCalls,
    duplicateCalls: a.duplicateCalls + sign * b.duplicateCalls,
    uncertainCalls: a.uncertainCalls + sign * b.uncertainCalls,
    uncertainNanoUsd: a.uncertainNanoUsd + sign * b.uncertainNanoUsd,
    inputTokens: a.inputTokens + sign * b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + sign * b.cachedInputTokens,
    outputTokens: a.outputTokens + sign * b.outputTokens,
    costNanoUsd: a.costNanoUsd + sign * b.costNanoUsd,
    estimatedCalls: a.estimatedCalls + sign * b.estimatedCalls,
    estimatedNanoUsd: a.estimatedNanoUsd + sign * b.estimatedNanoUsd,
  };
}
