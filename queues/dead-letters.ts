// Retrying a single row from its dead letter: the same as `retry` of its batch, for that row.

import { freshProgress } from "../src/job/progress.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { BatchStates } from "./batch-state.ts";
import type { DeadLetter } from "./payload.ts";
import type { QueueSet } from "./queue-set.ts";

/** Re-opens the letter's row and adds it to its task queue; tells why not, where it can't be. */
export async function reopenDeadLetter(
  { envelope }: DeadLetter,
  deps: { readonly states: BatchStates; readonly queues: QueueSet; readonly clock: Clock; readonly windowRows: number },
): Promise<string | undefined> {
  const { states, queues, clock, windowRows } = deps;
  const { job } = envelope;
  const { before, round } = await states.beginRetry(job.batch);
  if (before === "unknown") return `batch ${job.batch} has expired; enqueue the row anew`;
  const isFirst = before === "finished" || before === "cancelled";
  // Within a retry that is under way, further rows may join its round.
  if (!isFirst && round === 0) return `batch ${job.batch} is ${before}: retry when it is finished`;
  const bytes = Buffer.byteLength(JSON.stringify(job.body ?? job.input));
  // A job of the next hop may lie in a queue still, unclaimed: it must not carry the new round's id.
  const replies = await states.reopen(job.batch, [{ row: job.row, hop: envelope.hop + 2, bytes }], windowRows);
  const hop = replies === "full" ? "leave" : replies[0];
  if (typeof hop === "number") await queues.addToTask([{ job, hop, round, progress: freshProgress(clock.now()) }]);
  const total = isFirst ? (await states.status(job.batch))?.total : undefined;
  if (total !== undefined) await states.seal(job.batch, total);
  return replies === "full" ? `batch ${job.batch} is at its window's limit: retry later` : undefined;
}
