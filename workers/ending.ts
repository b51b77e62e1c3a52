// How a row ends: its result is recorded (the script refuses a second one), and what ended without an answer is shown among the dead letters.

import { estimateAnew } from "../src/attempt/trail-entry.ts";
import { contentOf, termsOf } from "../src/job/job.ts";
import type { ModelId } from "../src/job/names.ts";
import type { Answer } from "../src/job/outcome.ts";
import type { Result, ResultError } from "../src/job/result.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { BatchStates } from "../queues/batch-state.ts";
import type { Envelope } from "../queues/payload.ts";
import type { QueueSet } from "../queues/queue-set.ts";

export interface Ending {
  answered(envelope: Envelope, model: ModelId, answer: Answer): Promise<void>;
  /** `unpassed`: of a trial, the answer that its judge did not let pass. */
  failed(envelope: Envelope, error: ResultError, unpassed?: Answer): Promise<void>;
  /** The row goes on, or has ended, elsewhere: the job's calls are booked, for they may stand in no result. What stands in one counts once all the same. */
  booked(envelope: Envelope): Promise<void>;
}

/** A dead letter is a view: the batch's own errors that nobody needs to look into are left out. */
const NOT_SHOWN: ReadonlySet<ResultError["code"]> = new Set(["cancelled"]);

export function createEnding({
  states,
  queues,
  clock,
}: {
  readonly states: BatchStates;
  readonly queues: QueueSet;
  readonly clock: Clock;
}): Ending {
  const base = ({ job, hop, round, progress }: Envelope) => ({
    batch: job.batch,
    row: job.row,
    task: job.task,
    round,
    hop,
    ...(job.id === undefined ? {} : { id: job.id }),
    ...(job.line === undefined ? {} : { line: job.line }),
    ...(job.tags === undefined ? {} : { tags: job.tags }),
    ...(job.tenant === undefined ? {} : { tenant: job.tenant }),
    trail: estimateAnew(progress.trail),
    reroutes: progress.reroutes,
    enqueuedAt: progress.enqueuedAt,
    finishedAt: clock.now(),
  });

  return {
    async answered(envelope, model, answer) {
      await states.record({ ...base(envelope), status: "answered", model, answer });
    },
    async failed(envelope, error, unpassed) {
      const ended = { status: "error", error, ...(unpassed ? { unpassed } : {}) } as const;
      const result: Result = { ...base(envelope), ...termsOf(envelope.job), ...ended, ...contentOf(envelope.job) };
      const isRecorded = (await states.record(result)) === "recorded";
      if (isRecorded && !NOT_SHOWN.has(error.code)) await queues.addDead({ reason: error.message, code: error.code, envelope });
    },
    async booked(envelope) {
      if (envelope.progress.trail.length === 0) return;
      await states.book({ ...base(envelope), status: "error", error: { code: "lost", message: "its row goes on elsewhere" } });
    },
  };
}
