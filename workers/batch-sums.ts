// What a batch's own counts gain by results as they are stored.

import { sumChanges } from "../src/cost/call-totals.ts";
import type { LedgerChange } from "../src/job/ledger-changes.ts";

/** Increments by field of the batch's hash; whole numbers, less than nothing where an exact entry takes the place of a higher estimate. */
export function batchSums(changes: readonly LedgerChange[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const add = (field: string, by: number) => by !== 0 && sums.set(field, (sums.get(field) ?? 0) + by);
  for (const [model, totals] of sumChanges(changes, (entry) => entry.model)) {
    for (const name of ["calls", "duplicateCalls", "inputTokens", "outputTokens", "costNanoUsd"] as const) add(name, totals[name]);
    add(`model:${model}:calls`, totals.calls);
    add(`model:${model}:costNanoUsd`, totals.costNanoUsd);
  }
  return sums;
}
