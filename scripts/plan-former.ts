// Former runs of a task, from the store: what a plan can go by when Redis was lost, when its statistics have faded, or were taught by other work.
//
// Newest batches first, so many rows and so long at most: of a very large batch the first rows, of a store with very many what time allows.

import type { TaskSpec } from "../src/job/task.ts";
import { addFormerRows, countRow, newFormerRows, type FormerRows } from "../src/plan/former-rows.ts";
import { isFirst, type CountTally } from "../src/plan/step-sums.ts";
import { countTaken, type TakenByModel } from "../src/plan/taken-calls.ts";
import type { Store } from "../src/results/store.ts";
import type { ModelId } from "../src/job/names.ts";
import { newestBatches } from "./newest-batches.ts";
import { isPilotBatch } from "./pilot-batch.ts";
import { createReadingAllowance, type ReadingLimits } from "./reading-allowance.ts";

export interface FormerRun {
  readonly batch: string;
  /** Unix ms of its last result, as far as it was read. */
  readonly at: number;
  readonly former: FormerRows;
  readonly taken: TakenByModel;
}

/** Newest first. */
export async function readFormerRuns(
  store: Store,
  task: Pick<TaskSpec, "name">,
  limits: ReadingLimits = {},
): Promise<readonly FormerRun[]> {
  const allowance = createReadingAllowance(limits);
  const runs: FormerRun[] = [];
  for (const batch of await newestBatches(store, (name) => !isPilotBatch(name, task))) {
    if (allowance.isUsedUp()) break;
    const former = newFormerRows();
    const taken: TakenByModel = new Map();
    let at = 0;
    for await (const result of store.read(batch)) {
      if (result.task !== task.name) break;
      countRow(former, result);
      countTaken(taken, result.trail);
      at = Math.max(at, result.finishedAt);
      allowance.countRow();
      if (allowance.isUsedUp()) break;
    }
    if (former.rows > 0) runs.push({ batch, at, former, taken });
  }
  return runs;
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
