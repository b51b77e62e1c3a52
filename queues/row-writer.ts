// Writes rows into a batch: numbered and chunked, into their task's queue, never more than a window ahead of the store.
//
// For each chunk: note it as open (which says what is to be added: a row that is done or claimed is not) → add it → move the cursor. A crash anywhere
// in between is repaired by giving the same rows again: that is all that resuming means.

import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { Job, JobTerms } from "../src/job/job.ts";
import { BATCH_PATTERN, ROW_LIMIT } from "../src/job/names.ts";
import { freshProgress } from "../src/job/progress.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { sharedSignal } from "../src/runtime/shared-signal.ts";
import type { BatchStates } from "./batch-state.ts";
import type { MemoryGate } from "./memory-gate.ts";
import type { Envelope } from "./payload.ts";
import type { QueueSet } from "./queue-set.ts";

/** A row without its place, which the writer gives it. */
export type RowFields = Pick<Job, "input" | "body" | "id" | "line" | "deadline" | keyof JobTerms> & {
  /** Size in bytes, for the window; absent: measured. */
  readonly bytes?: number;
};

export interface RowWriterOptions {
  readonly batch: string;
  readonly task: string;
  readonly states: BatchStates;
  readonly queues: QueueSet;
  readonly memory: MemoryGate;
  readonly clock: Clock;
  readonly windowRows: number;
  readonly windowBytes: number;
  readonly chunkRows?: number;
  readonly chunkBytes?: number;
  readonly signal?: AbortSignal;
}

export interface RowWriterCounts {
  /** Rows given so far. */
  readonly rows: number;
  /** Rows that were added to the queue; the others were there already, or are bad. */
  readonly added: number;
}

export interface RowWriter {
  /** Adds the next row; waits while the window is full. Rejects with StoppedError when the batch was cancelled or the signal aborted. */
  add(row: RowFields): Promise<void>;
  /** Gives the next number to a row that is bad: its error result is recorded at once. */
  reject(row: Partial<Omit<RowFields, "bytes" | "deadline">> & { readonly reason: string }): Promise<void>;
  /** Adds what is left and tells the total. */
  seal(): Promise<void>;
  counts(): RowWriterCounts;
}

const WINDOW_POLL_MS = 25;
const PAUSED_POLL_MS = 500;
const IDLE_FLUSH_MS = 250;

export function createRowWriter(options: RowWriterOptions): RowWriter {
  const { batch, task, states, queues, memory, clock, signal } = options;
  if (!BATCH_PATTERN.test(batch))
    throw new UsageError(
      `the batch id "${batch}" is not valid`,
      "Use letters, digits, - and _, at most 64, beginning with a letter or digit.",
    );
  const chunkRows = Math.min(options.chunkRows ?? 500, Math.max(1, Math.floor(options.windowRows / 2)));
  const chunkBytes = Math.min(options.chunkBytes ?? 4 * 2 ** 20, Math.max(1, Math.floor(options.windowBytes / 2)));
  if (signal) sharedSignal(signal);
  let chunk: (RowFields & { readonly row: number; readonly bytes: number })[] = [];
  let bytesInChunk = 0;
  let nextRow = 0;
  let added = 0;
  let adding: Promise<void> = Promise.resolve();
  let addingBefore: Promise<void> = adding;
  let flushing: Promise<void> = Promise.resolve();
  let failure: unknown;

  /** Flushes run one after the other, in order of the rows. */
  const flush = (): Promise<void> => {
    const rows = chunk;
    chunk = [];
    bytesInChunk = 0;
    if (rows.length > 0) flushing = flushing.then(() => write(rows));
    return flushing;
  };

  /** Waits for the chunk before only: the next is read while this one is noted. What goes wrong with it shows at the next call. */
  const flushAhead = (): Promise<void> => {
    const before = flushing;
    flush().catch((error: unknown) => void (failure ??= error));
    return before;
  };

  const write = async (rows: typeof chunk) => {
    const { round, rows: noted } = await noteWithinWindow(rows);
    const now = clock.now();
    const envelopes = rows.flatMap(({ bytes: _bytes, row, ...fields }, i): Envelope[] => {
      const hop = noted[i];
      if (typeof hop !== "number") return [];
      return [{ job: { batch, row, task, ...fields }, hop, round, progress: freshProgress(now) }];
    });
    const cursor = rows.at(-1)!.row + 1;
    await addingBefore; // two chunks are on their way at most: Redis works on one while the other is being made
    if (failure) throw failure;
    added += envelopes.length;
    addingBefore = adding;
    adding = Promise.all([addingBefore, queues.addToTask(envelopes)])
      .then(() => (failure ? undefined : states.advance(batch, cursor)))
      .catch((error: unknown) => void (failure ??= error));
  };

  const noteWithinWindow = async (rows: readonly { readonly row: number; readonly bytes: number }[]) => {
    for (;;) {
      if (signal?.aborted) throw new StoppedError("interrupted while enqueueing");
      if (!(await memory.hasRoom())) {
        await clock.sleep(PAUSED_POLL_MS, signal);
        continue;
      }
      const reply = await states.note(batch, rows, { rows: options.windowRows, bytes: options.windowBytes });
      if (reply.kind === "ok") return reply;
      if (reply.kind === "cancelled") throw new StoppedError(`batch ${batch} was cancelled`);
      if (reply.kind === "over") throw new StoppedError(`batch ${batch} is over: it takes no more rows`);
      await clock.sleep(reply.kind === "paused" ? PAUSED_POLL_MS : WINDOW_POLL_MS, signal);
    }
  };

  /** A slow source's rows don't wait for the chunk to fill. */
  const idleFlush = async (started: typeof chunk) => {
    await clock.sleep(IDLE_FLUSH_MS, signal);
    if (chunk === started) flush().catch((error: unknown) => void (failure ??= error));
  };

  const takeNumber = () => {
    if (nextRow >= ROW_LIMIT) throw new UsageError(`a batch holds at most ${ROW_LIMIT} rows`, "Split the input.");
    return nextRow++;
  };

  return {
    async add(row) {
      const bytes = row.bytes ?? Buffer.byteLength(JSON.stringify(row.body ?? row.input));
      if (chunk.length > 0 && bytesInChunk + bytes > chunkBytes) await flushAhead();
      chunk.push({ ...row, row: takeNumber(), bytes });
      bytesInChunk += bytes;
      if (chunk.length >= chunkRows) return flushAhead();
      if (chunk.length === 1) void idleFlush(chunk);
    },
    async reject({ reason, ...fields }) {
      await flush();
      const now = clock.now();
      const row = takeNumber();
      const noted = await noteWithinWindow([{ row, bytes: 0 }]);
      if (noted.rows[0] === "done") return;
      await states.record({
        batch,
        row,
        task,
        round: noted.round,
        hop: 0,
        ...fields,
        status: "error",
        error: { code: "bad-input", message: reason },
        trail: [],
        reroutes: 0,
        enqueuedAt: now,
        finishedAt: now,
      });
    },
    async seal() {
      await flush();
      await adding;
      if (failure) throw failure;
      const state = await states.seal(batch, nextRow);
      if (state === "mismatch") {
        throw new UsageError(
          `batch ${batch} was sealed with another number of rows than the ${nextRow} given now`,
          "The input has changed: use another batch id, or --fresh.",
        );
      }
    },
    counts: () => ({ rows: nextRow, added }),
  };
}
