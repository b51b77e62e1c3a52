// How the batches of trials are named: the task, the sample, the model's share. So those of one sample are found together, and no other is taken for one of them.

import { digest, taskHash } from "../src/config/digest.ts";
import type { JobTerms } from "../src/job/job.ts";
import type { TaskSpec } from "../src/job/task.ts";

/** With the rest a name has at most 64 characters, as many as a batch may have. */
const MOST_OF_TASK = 40;
const DIGITS = 8;
/** Earlier versions put one digest of all behind the task. */
const PARTS = /^(?:([0-9a-f]{8})-[0-9a-f]{8}|[0-9a-f]{16})$/;

/** `rows`: their digests. The same task, rows and terms make the same batch. */
export function pilotBatch(task: TaskSpec, rows: readonly string[], terms: JobTerms): string {
  const sample = [taskHash(task), rows];
  return `${prefixOf(task)}${short(sample)}-${short([...sample, terms])}`;
}

export function isPilotBatch(batch: string, task: Pick<TaskSpec, "name">): boolean {
  return partsOf(batch, task) !== null;
}

/** The same for batches whose rows are the same; of earlier versions' names, which don't tell, each for itself. */
export function sampleOf(batch: string, task: Pick<TaskSpec, "name">): string {
  return partsOf(batch, task)?.[1] ?? batch;
}

function partsOf(batch: string, task: Pick<TaskSpec, "name">): RegExpExecArray | null {
  const prefix = prefixOf(task);
  return batch.startsWith(prefix) ? PARTS.exec(batch.slice(prefix.length)) : null;
}

function prefixOf({ name }: Pick<TaskSpec, "name">): string {
  return `pilot-${name.slice(0, MOST_OF_TASK)}-`;
}

function short(value: unknown): string {
  return digest(value).slice(0, DIGITS);
}
