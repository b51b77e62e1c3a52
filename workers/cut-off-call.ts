// A call that was cut off with its process, and isn't made again from its queue job: its row goes on, or ends, without it. It may have been paid, and is booked as it stands.

import type { Job as QueueJob } from "bullmq";
import { cutOffEntry } from "../src/attempt/trail-entry.ts";
import { callId } from "../src/job/job.ts";
import type { Price } from "../src/job/model.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import { withEntry } from "./call-envelope.ts";
import { purposeOf } from "./call-request.ts";

/** The envelope, with the call in its trail where there was one. `price`: of the envelope's model, asked for only then. */
export async function withCutOff(
  envelope: CallEnvelope,
  queueJob: Pick<QueueJob, "id" | "attemptsStarted">,
  { limiter, price }: { readonly limiter: Pick<Limiter, "reclaim">; readonly price: () => Price | undefined | Promise<Price | undefined> },
): Promise<CallEnvelope> {
  if (queueJob.attemptsStarted < 2) return envelope;
  const id = callId(queueJob.id!, envelope.calls + 1);
  const lost = await limiter.reclaim({ call: id, model: envelope.model });
  if (!lost) return envelope;
  const known = await price();
  const model = { id: envelope.model, ...(known ? { price: known } : {}) };
  const tokens = { inputTokens: lost.inputTokens, likelyOutputTokens: lost.outputTokens };
  return withEntry(envelope, cutOffEntry({ id, model, purpose: purposeOf(envelope.step), tokens }, lost));
}
