// What every processor does first: claim the row at its hop, and end what is not to be worked on.

import type { Job as QueueJob } from "bullmq";
import type { Clock } from "../src/runtime/clock.ts";
import type { BatchStates } from "../queues/batch-state.ts";
import type { Envelope } from "../queues/payload.ts";
import type { Verdict } from "../queues/worker-factory.ts";
import type { Ending } from "./ending.ts";

/** A job that took its worker down more often than this ends its row. */
const MOST_CRASHES = 10;
export const PAUSED_DELAY_MS = 5_000;

export type Admitted = { readonly kind: "go" } | { readonly kind: "stop"; readonly verdict: Verdict } | { readonly kind: "paused" };

/** What a queue job brings to its claim. */
export interface Entrance {
  /** The queue, in short; with the job's time of adding it tells jobs of the same id apart. */
  readonly place: string;
  readonly queueJob: Pick<QueueJob, "stalledCounter" | "timestamp">;
  readonly part?: number;
  /** As in a claim: the task whose batch is made when it is unknown. */
  readonly makeFor?: string;
}

/** `go`, or what becomes of the queue job instead. */
export async function admit(
  envelope: Envelope,
  deps: { readonly states: BatchStates; readonly ending: Ending; readonly clock: Clock },
  { place, queueJob, part = 0, makeFor }: Entrance,
): Promise<Admitted> {
  const { states, ending, clock } = deps;
  const { batch, row } = envelope.job;
  const token = `${place}@${queueJob.timestamp}`;
  const crashes = queueJob.stalledCounter;
  const reply = await states.claim({ batch, row, hop: envelope.hop, part, token, ...(makeFor === undefined ? {} : { makeFor }) });
  switch (reply) {
    case "superseded":
    case "done":
    case "unknown": // its batch is over and its keys have expired
      return { kind: "stop", verdict: { kind: "finish" } };
    case "paused":
      return { kind: "paused" };
    case "cancelled":
      await ending.failed(envelope, { code: "cancelled", message: `batch ${envelope.job.batch} was cancelled` });
      return { kind: "stop", verdict: { kind: "finish" } };
    case "go":
      break;
  }
  if (crashes > MOST_CRASHES) {
    await ending.failed(envelope, { code: "crashed", message: `the job's worker died or stalled ${crashes} times while working on it` });
    return { kind: "stop", verdict: { kind: "finish" } };
  }
  const { deadline } = envelope.job;
  if (deadline !== undefined && clock.now() > deadline) {
    await ending.failed(envelope, { code: "expired", message: `its deadline (${new Date(deadline).toISOString()}) has passed` });
    return { kind: "stop", verdict: { kind: "finish" } };
  }
  return { kind: "go" };
}

/** `baseMs` to twice that, so that jobs set aside together don't return together. */
export function jittered(baseMs: number): number {
  return Math.round(baseMs * (1 + Math.random()));
}
