// Trials of a task's models in the store: a pilot's, and those that `plan --sample` has asked.
//
// Newest samples first, within what is read at most. An older one counts as well where newer ones hold few answers of one of its models.

import type { ModelId } from "../src/job/names.ts";
import type { Result } from "../src/job/result.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { Purpose } from "../src/job/trail.ts";
import type { TrialAnswer } from "../src/plan/replay-trials.ts";
import { NO_TRIALS, type Trials } from "../src/plan/trials.ts";
import type { Store } from "../src/results/store.ts";
import { newestBatches } from "./newest-batches.ts";
import { isPilotBatch, sampleOf } from "./pilot-batch.ts";
import { createReadingAllowance, type ReadingAllowance, type ReadingLimits } from "./reading-allowance.ts";

/** So many rows of a model leave older ones nothing to add. */
const ENOUGH_ROWS = 100;

export async function findTrials(store: Store, task: TaskSpec, limits: ReadingLimits = {}): Promise<Trials> {
  const allowance = createReadingAllowance(limits);
  const batches = await newestBatches(store, (batch) => isPilotBatch(batch, task));
  const samples = new Map<string, string[]>();
  for (const batch of batches) {
    const sample = sampleOf(batch, task);
    samples.set(sample, [...(samples.get(sample) ?? []), batch]);
  }
  const rowsOf = new Map<ModelId, number>();
  let found = NO_TRIALS;
  for (const sample of samples.values()) {
    if (allowance.isUsedUp()) break;
    const { rows, at } = await readSample(store, task, sample, allowance);
    const models = rows.flatMap((row) => [...row.keys()]);
    if (models.every((model) => (rowsOf.get(model) ?? 0) >= ENOUGH_ROWS)) continue;
    for (const model of models) rowsOf.set(model, (rowsOf.get(model) ?? 0) + 1);
    found = { rows: [...found.rows, ...rows], at: found.rows.length > 0 ? found.at : at };
  }
  return found;
}

/** Of batches that are known to belong together. */
export function readTrialBatches(store: Store, task: TaskSpec, batches: readonly string[]): Promise<Trials> {
  return readSample(store, task, batches);
}

/** Each model's first rows alike, as far as they may be read: they are in random order, so that the first of them are a sample too. */
async function readSample(store: Store, task: TaskSpec, batches: readonly string[], allowance?: ReadingAllowance): Promise<Trials> {
  const rows = new Map<number, Map<ModelId, TrialAnswer>>();
  const mostRows = allowance ? Math.ceil(allowance.left() / batches.length) : Number.POSITIVE_INFINITY;
  let at = Number.POSITIVE_INFINITY;
  for (const batch of batches) {
    let read = 0;
    for await (const result of store.read(batch)) {
      if (result.task !== task.name) break;
      at = Math.min(at, result.finishedAt);
      const found = trialAnswer(result);
      const row = rows.get(result.row) ?? new Map<ModelId, TrialAnswer>();
      if (found) rows.set(result.row, row.set(found.model, found.answer));
      allowance?.countRow();
      if (++read >= mostRows || allowance?.isUsedUp()) break;
    }
  }
  return { rows: [...rows.values()], at };
}

/** Undefined where the model was not asked to the end. */
function trialAnswer(result: Result): { readonly model: ModelId; readonly answer: TrialAnswer } | undefined {
  const call = result.trail.findLast(({ purpose, outcome }) => purpose === "answer" && ANSWERED.has(outcome));
  if (!call) return undefined;
  const said = result.status === "error" ? result.unpassed : result.model === call.model ? result.answer : undefined;
  const of = (wanted: Purpose) => result.trail.filter(({ purpose }) => purpose === wanted);
  return {
    model: call.model,
    answer: { call, repairs: of("repair"), judged: of("judge"), ...(said ? { answer: said } : {}) },
  };
}

const ANSWERED: ReadonlySet<string> = new Set(["answered", "unfit", "refused"]);
