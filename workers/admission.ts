// What every processor does first: claim the row at its hop, and end what is not to be worked on.

import type { Clock } from "../src/runtime/clock.ts";
import type { BatchStates, ClaimReply } from "../queues/batch-state.ts";
import type { Envelope } from "../queues/payload.ts";
import type { Verdict } from "../queues/worker-factory.ts";
import type { Ending } from "./ending.ts";

/** A job that took its worker down more often than this ends its row. */
const MOST_CRASHES = 10;
export const PAUSED_DELAY_MS = 5_000;

export type Admitted = { readonly kind: "go" } | { readonly kind: "stop"; readonly verdict: Verdict } | { readonly kind: "paused" };

/**
 * `go`, or what becomes of the queue job instead. `crashes`: how often BullMQ found it stalled; `makeFor` as in `BatchStates.claim`.
 */
export async function admit(
  envelope: Envelope,
  deps: { readonly states: BatchStates; readonly ending: Ending; readonly clock: Clock },
  { crashes, makeFor }: { readonly crashes: number; readonly makeFor?: string },
): Promise<Admitted> {
  const { states, ending, clock } = deps;
  const reply: ClaimReply = await states.claim(envelope.job, envelope.hop, makeFor);
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
