// Call envelopes with a call more, and with what their step was begun with; and keeping them.

import type { Job as QueueJob } from "bullmq";
import type { TrailEntry } from "../src/job/trail.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import type { Disposition } from "../queues/worker-factory.ts";

/** A call stands in the trail once. */
export function withEntry(envelope: CallEnvelope, entry: TrailEntry): CallEnvelope {
  if (envelope.progress.trail.some(({ call }) => call === entry.call)) return envelope;
  return { ...envelope, progress: { ...envelope.progress, trail: [...envelope.progress.trail, entry] } };
}

/** The calls that were made from this queue job: of its hop and part. */
export function ownEntries({ job, hop, part, progress }: CallEnvelope): CallEnvelope["progress"]["trail"] {
  const own = `${job.batch}.${job.row}.${hop}.${part}.`;
  return progress.trail.filter((entry) => entry.call.startsWith(own));
}

/** What the parts of a step share: the job's progress before it. */
export function withoutHop({ job, hop, progress }: CallEnvelope): CallEnvelope["progress"] {
  const ownHop = `${job.batch}.${job.row}.${hop}.`;
  return { ...progress, trail: progress.trail.filter((entry) => !entry.call.startsWith(ownHop)) };
}

/** Writes what the disposition has for the queue job, and takes it out: it is done. */
export async function keepData(queueJob: Pick<QueueJob, "updateData">, disposition: Disposition): Promise<Disposition> {
  if ((disposition.kind !== "later" && disposition.kind !== "back") || !disposition.data) return disposition;
  const { data, ...rest } = disposition;
  await queueJob.updateData(data);
  return rest;
}
