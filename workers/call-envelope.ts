// Call envelopes with a call more, and with what their step was begun with; and keeping them.

import type { Job as QueueJob } from "bullmq";
import type { TrailEntry } from "../src/job/trail.ts";
import type { CallEnvelope } from "../queues/payload.ts";
import type { Verdict } from "../queues/worker-factory.ts";

export function withEntry(envelope: CallEnvelope, entry: TrailEntry): CallEnvelope {
  return { ...envelope, progress: { ...envelope.progress, trail: [...envelope.progress.trail, entry] } };
}

/** What the parts of a step share: the job's progress before it. */
export function withoutHop({ job, hop, progress }: CallEnvelope): CallEnvelope["progress"] {
  const ownHop = `${job.batch}.${job.row}.${hop}.`;
  return { ...progress, trail: progress.trail.filter((entry) => !entry.call.startsWith(ownHop)) };
}

/** Writes what the verdict has for the queue job, and takes it out: it is done. */
export async function keepData(queueJob: Pick<QueueJob, "updateData">, verdict: Verdict): Promise<Verdict> {
  if ((verdict.kind !== "later" && verdict.kind !== "back") || !verdict.data) return verdict;
  const { data, ...rest } = verdict;
  await queueJob.updateData(data);
  return rest;
}
