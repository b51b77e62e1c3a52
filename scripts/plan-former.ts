// Former runs of a task, from the store: what a plan can go by when Redis was lost, when its statistics have faded, or were taught by other work.
//
// Newest batches first, so many rows and so long at most: of a very large batch the first rows, of a store with very many what time allows.

import type { TaskSpec } from "../src/job/task.ts";
import { addFormerRows, countRow, newFormerRows, type FormerRows } from "../src/plan/former-rows.ts";
import { isFirst, type CountTally } from "../src/plan/step-sums.ts";
import { countTaken, type TakenByModel } from "../src/plan/taken-calls.ts";
import type { Store } from "../src/results/store.ts";
import type { ModelId } from "../src/job/names.ts";
import { isTrialBatch } from "./plan-history.ts";

export interface FormerRun {
  readonly batch: string;
  /** Unix ms of its last result, as far as it was read. */
  readonly at: number;
  readonly former: FormerRows;
  readonly taken: TakenByModel;
}

export interface ReadingLimits {
  /** Default 20,000. */
  readonly mostRows?: number;
  /** Milliseconds after which no further row is read. Default 10 s. */
  readonly patienceMs?: number;
}

const MOST_ROWS = 20_000;
const PATIENCE_MS = 10_000;
const AT_ONCE = 16;

/** Newest first. */
export async function readFormerRuns(
  store: Store,
  task: Pick<TaskSpec, "name">,
  { mostRows = MOST_ROWS, patienceMs = PATIENCE_MS }: ReadingLimits = {},
): Promise<readonly FormerRun[]> {
  const until = performance.now() + patienceMs;
  const runs: FormerRun[] = [];
  let left = mostRows;
  for (const batch of await newestFirst(
    store,
    (await store.batches()).filter((name) => !isTrialBatch(name, task)),
  )) {
    if (left <= 0 || performance.now() > until) break;
    const former = newFormerRows();
    const taken: TakenByModel = new Map();
    let at = 0;
    for await (const result of store.read(batch)) {
      if (result.task !== task.name) break;
      countRow(former, result);
      countTaken(taken, result.trail);
      at = Math.max(at, result.finishedAt);
      if (--left <= 0 || performance.now() > until) break;
    }
    if (former.rows > 0) runs.push({ batch, at, former, taken });
  }
  return runs;
}

/** By the time of what was stored last, which stands in its stream id. */
async function newestFirst(store: Store, batches: readonly string[]): Promise<readonly string[]> {
  const found: { readonly batch: string; readonly at: number }[] = [];
  for (let i = 0; i < batches.length; i += AT_ONCE) {
    const some = batches.slice(i, i + AT_ONCE);
    found.push(
      ...(await Promise.all(some.map(async (batch) => ({ batch, at: Number.parseInt((await store.lastStreamId(batch)) ?? "0", 10) })))),
    );
  }
  return found.toSorted((a, b) => b.at - a.at).map(({ batch }) => batch);
}

/** Rows this much longer or shorter are another kind of work. */
const ALIKE = 1.3;
const LEAST_ROWS = 50;

/** Those whose rows are about as long as these are, if there are enough; else all. `inputTokens`: our count of these, for a model. */
export function likeRuns(runs: readonly FormerRun[], inputTokens: (model: ModelId) => number): readonly FormerRun[] {
  const isAlike = (model: ModelId, { calls, ours }: CountTally) => {
    const [before, now] = [ours / Math.max(1, calls), inputTokens(model)];
    return calls === 0 || (before < now * ALIKE && now < before * ALIKE);
  };
  const alike = runs.filter(({ former }) =>
    Array.from(former.ways)
      .filter(([way]) => isFirst(way))
      .every(([, { models }]) => Array.from(models).every(([model, { counts }]) => isAlike(model, counts))),
  );
  return alike.reduce((sum, { former }) => sum + former.rows, 0) >= LEAST_ROWS ? alike : runs;
}

export function togetherOf(runs: readonly FormerRun[]): FormerRows {
  const all = newFormerRows();
  for (const { former } of runs) addFormerRows(all, former);
  return all;
}
