// Sums over the calls of results as they are stored: the live totals of a batch.
//
// Calls whose answer never arrived may have been paid, and are made again: they count as duplicates. A refused second result was paid as well: its calls count, but
// those that stand in the recorded result already. Which those are is remembered for the last rows.

import type { TrailEntry } from "../src/job/trail.ts";
import type { StreamEntry } from "../queues/result-stream.ts";

const REMEMBERED_ROWS = 20_000;

export function createCallTotals() {
  const recent = new Map<number, ReadonlySet<string>>();

  const remember = (row: number, trail: readonly TrailEntry[]) => {
    if (recent.size >= REMEMBERED_ROWS) recent.delete(recent.keys().next().value!);
    recent.set(row, new Set(trail.map((entry) => entry.call)));
  };

  return {
    /** Increments by field of the batch's hash; integers. */
    sum(entries: readonly StreamEntry[]): ReadonlyMap<string, number> {
      const sums = new Map<string, number>();
      const add = (field: string, by: number) => by !== 0 && sums.set(field, (sums.get(field) ?? 0) + by);
      for (const { result, isExtra } of entries) {
        const known = recent.get(result.row);
        const calls = isExtra ? result.trail.filter((entry) => !known?.has(entry.call)) : result.trail;
        if (!isExtra) remember(result.row, result.trail);
        for (const entry of calls) {
          add("calls", 1);
          if (isExtra || entry.outcome === "uncertain") add("duplicateCalls", 1);
          add("inputTokens", entry.usage.inputTokens);
          add("outputTokens", entry.usage.outputTokens);
          add("costNanoUsd", entry.costNanoUsd);
          add(`model:${entry.model}:calls`, 1);
          add(`model:${entry.model}:costNanoUsd`, entry.costNanoUsd);
        }
      }
      return sums;
    },
  };
}
