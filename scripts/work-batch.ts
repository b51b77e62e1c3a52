// A batch's work as `run` and `pilot` do it: feeds its rows and follows it, side by side, until it is over.

import { StoppedError } from "../src/job/errors.ts";
import type { BatchStatus } from "../src/job/batch.ts";
import type { JobTerms } from "../src/job/job.ts";
import { holdProducerLease, readdMissing } from "../queues/feed.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import { feedBatch, type BatchSession } from "./batch-session.ts";
import type { FleetKeeper } from "./fleet-keeper.ts";
import { followBatch } from "./follow.ts";
import type { OpenFleet } from "./open-fleet.ts";
import type { Progress } from "./progress.ts";
import { whyStuck } from "./why-stuck.ts";

export interface BatchWork {
  readonly input: JobInput;
  readonly session: BatchSession;
  readonly task: string;
  readonly progress: Progress;
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly terms: JobTerms;
  readonly keeper: Pick<FleetKeeper, "replaceLost">;
  /** Waited for before a row is fed; may reject with StoppedError once `signal` is aborted. */
  readonly admit?: (row: number) => Promise<void>;
  /** Called at each poll. */
  readonly onPoll?: (status: BatchStatus) => Promise<void>;
}

const MISSING_EVERY_MS = 2_000;

/** Resolves when the batch is over or `signal` aborts; a failure of either side ends both. */
export async function workBatch(open: OpenFleet, work: BatchWork): Promise<void> {
  const { input, session, task, progress, patienceMs, signal, terms, keeper } = work;
  const { batch } = session;
  const lease = input.isFile ? holdProducerLease(open.redis, open.clock, batch) : undefined;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const fed = work.admit ? pacedInput(input, work.admit) : input;
  const feed = () => feedBatch(open, fed, session, task, { signal: either, terms });
  const feeding = (session.isAnswered ? Promise.resolve() : feed()).catch((error: unknown) => {
    if (error instanceof StoppedError && (either.aborted || /cancelled|is over/.test(error.message))) return;
    failed.abort(error);
  });
  let lookForMissingAt = open.clock.now() + MISSING_EVERY_MS;
  try {
    await followBatch(open, {
      batch,
      progress,
      signal: either,
      patienceMs,
      whyStuck: () => whyStuck(open, { batch, task, terms }),
      async onPoll(status) {
        await work.onPoll?.(status);
        if (open.clock.now() < lookForMissingAt) return;
        lookForMissingAt = open.clock.now() + MISSING_EVERY_MS;
        if (input.isFile) await readdMissing(open, { batch, task, terms }, () => input.rows());
        await keeper.replaceLost();
      },
    });
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await feeding;
    await lease?.stop();
  }
  if (failed.signal.aborted) throw failed.signal.reason;
}

function pacedInput(input: JobInput, admit: (row: number) => Promise<void>): JobInput {
  return {
    ...input,
    async *rows() {
      for await (const row of input.rows()) {
        await admit(row.row);
        yield row;
      }
    },
  };
}
