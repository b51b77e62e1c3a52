// A batch's jobs that wait out a delay (set aside by the router, between two tries, in line) come back at once, to be told that their batch was cancelled. They would by
// themselves, but it is them that a cancelled batch would wait for.

import { parseQueueName } from "../src/runtime/keys.ts";
import type { QueueSet } from "./queue-set.ts";

/** Jobs whose data is in this process's memory at once: rows may be large. */
const AT_ONCE = 50;

/** Those of foreign clients, whose ids don't name their batch, come back by themselves. */
export async function recallDelayed(batch: string, queues: QueueSet): Promise<void> {
  const names = (await queues.known()).filter((name) => parseQueueName(name)?.kind !== "dead");
  for (const queue of names.map((name) => queues.queue(name))) {
    const ids = (await queue.getRanges(["delayed"], 0, -1)).filter((id) => id.startsWith(`${batch}.`));
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const jobs = await Promise.all(ids.slice(i, i + AT_ONCE).map((id) => queue.getJob(id)));
      // One that has come back meanwhile can't be promoted, and needn't be.
      await Promise.allSettled(jobs.flatMap((job) => (job ? [job.promote()] : [])));
    }
  }
}
