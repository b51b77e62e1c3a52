// Call envelopes with a call more, and with what their step was begun with.

import type { TrailEntry } from "../src/job/trail.ts";
import type { CallEnvelope } from "../queues/payload.ts";

export function withEntry(envelope: CallEnvelope, entry: TrailEntry): CallEnvelope {
  return { ...envelope, progress: { ...envelope.progress, trail: [...envelope.progress.trail, entry] } };
}

/** What the parts of a step share: the job's progress before it. */
export function withoutHop({ job, hop, progress }: CallEnvelope): CallEnvelope["progress"] {
  const ownHop = `${job.batch}.${job.row}.${hop}.`;
  return { ...progress, trail: progress.trail.filter((entry) => !entry.call.startsWith(ownHop)) };
}
