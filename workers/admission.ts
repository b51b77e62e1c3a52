// What every processor does first: claim the row at its hop. What is not to be worked on is told, and ended by who asked.

import type { Job as QueueJob } from "bullmq";
import type { Clock } from "../src/runtime/clock.ts";
import type { BatchStates } from "../queues/batch-state.ts";
import type { ResultError } from "../src/job/result.ts";
import type { Envelope } from "../queues/payload.ts";

/** A job that took its worker down, or met a fault of ours in it, more often than this ends its row. */
const MOST_CRASHES = 10;
export const PAUSED_DELAY_MS = 5_000;

export type Admitted =
  /** `isCapped`: its batch has a budget of its own. */
  | { readonly kind: "go"; readonly isCapped: boolean }
  | { readonly kind: "paused" }
  /** Another queue job has the row, or it has its result: nothing is left to do. */
  | { readonly kind: "gone" }
  /** The row is to end with this error. */
  | { readonly kind: "over"; readonly error: ResultError };

/** What a queue job brings to its claim. */
export interface Entrance {
  /** The queue, in short; with the job's time of adding it tells jobs of the same id apart. */
  readonly place: string;
  readonly queueJob: Pick<QueueJob, "stalledCounter" | "attemptsMade" | "failedReason" | "timestamp">;
  readonly part?: number;
  /** As in a claim: the task whose batch is made when it is unknown. */
  readonly makeFor?: string;
}

export async function admit(
  { job, hop }: Pick<Envelope, "job" | "hop">,
  { states, clock }: { readonly states: BatchStates; readonly clock: Clock },
  { place, queueJob, part = 0, makeFor }: Entrance,
): Promise<Admitted> {
  const { batch, row, deadline } = job;
  const token = `${place}@${queueJob.timestamp}`;
  const reply = await states.claim({ batch, row, hop, part, token, ...(makeFor === undefined ? {} : { makeFor }) });
  switch (reply) {
    case "superseded":
    case "done":
    case "unknown": // its batch is over and its keys have expired
      return { kind: "gone" };
    case "paused":
      return { kind: "paused" };
    case "cancelled":
      return { kind: "over", error: { code: "cancelled", message: `batch ${batch} was cancelled` } };
    case "go":
    case "go-capped":
      break;
    default:
      reply satisfies never;
  }
  const { stalledCounter: crashes, attemptsMade: faults, failedReason: fault } = queueJob;
  if (crashes + faults > MOST_CRASHES) {
    const died = `the job's worker died or stalled ${crashes} times while working on it`;
    const failed = `a fault in modelfleet kept it from working on the job ${faults} times, last: ${fault}; the log has more, please report it`;
    const message = [...(crashes > 0 ? [died] : []), ...(faults > 0 ? [failed] : [])].join("; ");
    return { kind: "over", error: { code: "crashed", message } };
  }
  if (deadline !== undefined && clock.now() > deadline) {
    return { kind: "over", error: { code: "expired", message: `its deadline (${new Date(deadline).toISOString()}) has passed` } };
  }
  return { kind: "go", isCapped: reply === "go-capped" };
}

/** What a claim told of the row's batch goes on with the job. */
export function withCap<Of extends Pick<Envelope, "job">>(envelope: Of, { isCapped }: { readonly isCapped: boolean }): Of {
  if ((envelope.job.isCapped ?? false) === isCapped) return envelope;
  const { isCapped: _before, ...job } = envelope.job;
  return { ...envelope, job: isCapped ? { ...job, isCapped } : job };
}

/** `baseMs` to twice that, so that jobs set aside together don't return together. */
export function jittered(baseMs: number): number {
  return Math.round(baseMs * (1 + Math.random()));
}
