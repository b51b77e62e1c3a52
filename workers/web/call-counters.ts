// Counters that only grow, out of batches that come and go: a batch's totals leave Redis a week after its end, and a counter that fell would look to
// Prometheus like a restart.

import type { BatchInFleet, ModelTotals } from "../../queues/fleet-status.ts";

export interface CallCounters {
  /** By model id, since this process started; what Redis knew then is counted as its beginning. */
  readonly models: ReadonlyMap<string, ModelTotals>;
  readonly duplicateCalls: number;
}

/** Batches remembered; the oldest go first. */
const REMEMBERED_BATCHES = 10_000;
const DUPLICATES = "duplicates";

/** A function that takes each reading of the batches and gives the counters up to it. */
export function createCallCounters(): (batches: readonly BatchInFleet[]) => CallCounters {
  const seen = new Map<string, ReadonlyMap<string, number>>();
  const sums = new Map<string, number>();

  const take = (batch: BatchInFleet) => {
    const totals = new Map([[DUPLICATES, batch.duplicateCalls]]);
    for (const [model, { calls, costNanoUsd }] of Object.entries(batch.models)) {
      totals.set(`calls ${model}`, calls).set(`cost ${model}`, costNanoUsd);
    }
    const before = seen.get(batch.batch);
    for (const [key, total] of totals) {
      const known = before?.get(key) ?? 0;
      // Less than before: the batch was begun anew under its old name.
      sums.set(key, (sums.get(key) ?? 0) + (total >= known ? total - known : total));
    }
    seen.delete(batch.batch);
    seen.set(batch.batch, totals);
    if (seen.size > REMEMBERED_BATCHES) seen.delete(seen.keys().next().value!);
  };

  return (batches) => {
    batches.forEach(take);
    const models = new Map<string, ModelTotals>();
    for (const [key, calls] of sums) {
      if (!key.startsWith("calls ")) continue;
      const model = key.slice("calls ".length);
      models.set(model, { calls, costNanoUsd: sums.get(`cost ${model}`) ?? 0 });
    }
    return { models, duplicateCalls: sums.get(DUPLICATES) ?? 0 };
  };
}
