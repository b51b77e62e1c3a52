// Opens rows of a finished batch that ended in an error once more: their inputs come from the store. Used by `retry` and by a pilot that goes on.

import { freshProgress } from "../src/job/progress.ts";
import { queueJobId, termsOf } from "../src/job/job.ts";
import { RETRYABLE, type ErrorResult, type Result } from "../src/job/result.ts";
import { openStore } from "../src/results/open-store.ts";
import type { OpenFleet } from "./open-fleet.ts";

const CHUNK = 200;
const WINDOW_POLL_MS = 100;

export interface Reopening {
  readonly batch: string;
  /** As beginning the retry told it. */
  readonly round: number;
  readonly signal: AbortSignal;
  /** Which errors are to be taken up; absent: all that another run could end otherwise. */
  readonly isWanted?: (result: ErrorResult) => boolean;
}

/** Answers with how many rows are open again: all, unless `signal` aborts. */
export async function reopenFailed(
  { fleet, states, queues, clock }: OpenFleet,
  { batch, round, signal, isWanted = () => true }: Reopening,
): Promise<number> {
  const store = openStore(fleet);
  let reopened = 0;
  const reopen = async (results: readonly ErrorResult[]) => {
    const rows = results.map((result) => ({
      row: result.row,
      hop: result.hop + 2,
      bytes: Buffer.byteLength(JSON.stringify(result.body ?? result.input)),
    }));
    let replies = await states.reopen(batch, rows, fleet.queues.windowRows);
    while (replies === "full" && !signal.aborted) {
      await clock.sleep(WINDOW_POLL_MS, signal);
      replies = await states.reopen(batch, rows, fleet.queues.windowRows);
    }
    if (replies === "full") return;
    const hops = replies;
    const envelopes = results.flatMap((result, i) => {
      const hop = hops[i];
      if (typeof hop !== "number") return [];
      const { row, task, input = {}, body, id, line } = result;
      const label = {
        ...(id === undefined ? {} : { id }),
        ...(line === undefined ? {} : { line }),
        ...termsOf(result),
      };
      return [{ job: { batch, row, task, input, ...(body ? { body } : {}), ...label }, hop, round, progress: freshProgress(clock.now()) }];
    });
    await queues.removeDead(results.map((result) => queueJobId(result, result.hop)));
    await queues.addToTask(envelopes);
    reopened += envelopes.length;
  };

  try {
    let chunk: ErrorResult[] = [];
    for await (const result of store.read(batch)) {
      if (signal.aborted) return reopened;
      if (isRetryable(result) && isWanted(result) && result.round < round) chunk.push(result);
      if (chunk.length < CHUNK) continue;
      await reopen(chunk);
      chunk = [];
    }
    if (chunk.length > 0) await reopen(chunk);
    return reopened;
  } finally {
    await store.stop();
  }
}

/** Another run could end it otherwise, and its row is at hand. */
export function isRetryable(result: Result): result is ErrorResult {
  return result.status === "error" && RETRYABLE.has(result.error.code) && (result.input ?? result.body) !== undefined;
}
