// One batch from an input, as `run` and `enqueue` both need it: which batch it is, whether it goes on or begins, and feeding it.

import { randomUUID } from "node:crypto";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import { isOver } from "../src/job/batch.ts";
import type { JobTerms } from "../src/job/job.ts";
import { BATCH_PATTERN } from "../src/job/names.ts";
import { openStore } from "../src/results/open-store.ts";
import { batchKeys, fleetKeys } from "../src/runtime/keys.ts";
import type { RedisConnection } from "../queues/connection.ts";
import { feedRows, verifyUnchanged } from "../queues/feed.ts";
import { createMemoryGate } from "../queues/memory-gate.ts";
import { restoreBatch } from "../queues/restore-batch.ts";
import { createRowWriter } from "../queues/row-writer.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { requireSameTerms } from "./row-terms.ts";
import { say } from "./terminal.ts";

export interface BatchChoice {
  readonly batch?: string;
  readonly fresh?: boolean;
}

export interface BatchSession {
  readonly batch: string;
  /** Every row has its result, and the store has it. */
  readonly isOver: boolean;
  /** Every row has its result already, stored or not: there is nothing to feed. */
  readonly isAnswered: boolean;
  readonly isResumed: boolean;
}

/** Makes or finds the batch. @throws UsageError when its input has changed or the id is another task's, StoppedError when it was cancelled. */
export async function openBatch(
  open: OpenFleet,
  input: JobInput,
  task: string,
  choice: BatchChoice,
  terms: JobTerms = {},
): Promise<BatchSession> {
  const { redis, states } = open;
  if (choice.batch !== undefined && !BATCH_PATTERN.test(choice.batch)) {
    throw new UsageError(
      `the batch id "${choice.batch}" is not valid`,
      "Use letters, digits, - and _, at most 64, beginning with a letter or digit.",
    );
  }
  const batch = choice.batch ?? (await derivedBatch(open, input, task, choice.fresh ?? false));
  if (choice.batch !== undefined && choice.fresh && (await states.status(batch))) {
    throw new UsageError(`batch ${batch} exists already`, "Leave out --batch with --fresh, or name a batch that is new.");
  }
  const store = openStore(open.fleet);
  await restoreBatch(redis, store, batch, task).finally(() => store.stop());
  const made = await states.make(batch, task, JSON.stringify({ input: input.name, terms }));
  if (made.task !== task) throw new UsageError(`batch ${batch} belongs to the task "${made.task}"`, "Use another --batch.");
  if (!made.created) requireSameTerms(batch, await redis.hget(batchKeys(batch).meta, "source"), terms);
  if (made.state === "cancelled") {
    const anew = choice.batch === undefined ? "--fresh" : "another --batch";
    throw new StoppedError(
      `batch ${batch} was cancelled`,
      `Start anew with ${anew}, or take its rows up again with: modelfleet retry ${batch}`,
    );
  }
  if (!made.created && input.isFile) await verifyUnchanged(redis, batch, () => input.rows());
  return { batch, isOver: isOver(made.state), isAnswered: isOver(made.state) || made.state === "finalizing", isResumed: !made.created };
}

/** Feeds all rows and seals the batch; rejects with StoppedError when `signal` aborts. */
export async function feedBatch(
  open: OpenFleet,
  input: JobInput,
  session: BatchSession,
  task: string,
  options: { readonly signal: AbortSignal; readonly terms?: JobTerms },
): Promise<void> {
  const { fleet, redis, states, queues, clock } = open;
  const writer = createRowWriter({
    batch: session.batch,
    task,
    states,
    queues,
    memory: createMemoryGate(redis, clock),
    clock,
    windowRows: fleet.queues.windowRows,
    windowBytes: fleet.queues.windowBytes,
    signal: options.signal,
  });
  const { signal, terms } = options;
  const leave = () => input.leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    await feedRows(redis, session.batch, input.rows(), writer, terms);
  } catch (error) {
    throw signal.aborted ? new StoppedError("interrupted while enqueueing") : error;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** `--fresh` counts a generation up, so that the next plain run of the same file goes on with the fresh batch. */
async function derivedBatch({ redis }: OpenFleet, input: JobInput, task: string, fresh: boolean): Promise<string> {
  const derived = input.derivedBatch;
  if (derived === undefined) {
    const batch = `${task.slice(0, 40)}-${randomUUID().slice(0, 8)}`;
    say(
      `${input.name} can't be read again, so this batch gets an id of its own: ${batch} (to go on with it later: --batch ${batch}, with the same rows)`,
    );
    return batch;
  }
  return fresh ? ofGeneration(derived, await redis.hincrby(fleetKeys.generations, derived, 1)) : latestBatch(redis, derived);
}

/** The last one that was begun from the input, of its id as derived: each `--fresh` begins another. */
export async function latestBatch(redis: RedisConnection, derived: string): Promise<string> {
  return ofGeneration(derived, Number((await redis.hget(fleetKeys.generations, derived)) ?? 0));
}

function ofGeneration(derived: string, generation: number): string {
  return generation === 0 ? derived : `${derived}-${generation}`;
}

/** `key=value` options, as given once or several times. */
