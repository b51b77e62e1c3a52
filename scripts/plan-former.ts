// Former runs of a task, from the store: what a plan can go by when Redis was lost, when its statistics have faded, or were taught by other work.
//
// Newest batches first, so many rows and so long at most: of a very large batch the first rows, of a store with very many what time allows.

import type { TaskSpec } from "../src/job/task.ts";
import { countRow, newFormerRows } from "../src/plan/former-rows.ts";
import type { FormerRun } from "../src/plan/former-run.ts";
import { countTaken, type TakenByModel } from "../src/plan/taken-calls.ts";
import type { Store } from "../src/results/store.ts";
import { newestBatches } from "./newest-batches.ts";
import { isPilotBatch } from "./pilot-batch.ts";
import { createReadingAllowance, type ReadingLimits } from "./reading-allowance.ts";

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
