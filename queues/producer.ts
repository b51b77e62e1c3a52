// The producer for other people's scripts: rows in, from wherever they come.

import { randomUUID } from "node:crypto";
import type { BatchStatus } from "../src/job/batch.ts";
import { UsageError } from "../src/job/errors.ts";
import { BATCH_PATTERN, NAME_PATTERN } from "../src/job/names.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { createBatchStates } from "./batch-state.ts";
import { checkRow } from "./check-row.ts";
import { connectRedis, requireRedis } from "./connection.ts";
import { createMemoryGate } from "./memory-gate.ts";
import { createQueueSet } from "./queue-set.ts";
import { createRowWriter, type RowFields } from "./row-writer.ts";

export interface ProducerOptions {
  /** `redis://…` of the fleet. */
  readonly redisUrl: string;
  readonly task: string;
  /** Give the same id and the same rows again to go on after an interruption; absent: a new batch. */
  readonly batch?: string;
  /** Rows and bytes enqueued and not yet stored; 5,000 and 64 MiB. */
  readonly windowRows?: number;
  readonly windowBytes?: number;
  /** Aborts a producer that waits for room in the window: `add` rejects. */
  readonly signal?: AbortSignal;
}

export interface Producer {
  readonly batch: string;
  /** Adds the next row; resolves once it is taken, which waits while the window is full. Rejects with UsageError for a row with a field that can't be. */
  add(row: RowFields): Promise<void>;
  /** Adds what is left and tells the fleet the total, without which a batch never finishes. Resolves with the number of rows. */
  seal(): Promise<number>;
  status(): Promise<BatchStatus | undefined>;
  /** Closes the connection. Rows added and not sealed stay: the same batch can be gone on with. */
  stop(): Promise<void>;
}

/**
 * Opens (or re-opens) a batch of `task`. Fails fast when Redis is away. The rows are numbered in the order in which they are added; the fleet checks them against
 * the task's input schema.
 * @throws StoppedError when there is no Redis, UsageError for a bad name or a batch of another task.
 */
export async function createProducer(options: ProducerOptions): Promise<Producer> {
  const { redisUrl, task, signal } = options;
  const batch = options.batch ?? `${task.slice(0, 40)}-${randomUUID().slice(0, 8)}`;
  if (!NAME_PATTERN.test(task))
    throw new UsageError(`the task name "${task}" is not valid`, "Use lower-case letters, digits, - and _, at most 64.");
  if (!BATCH_PATTERN.test(batch)) throw new UsageError(`the batch id "${batch}" is not valid`, "Use letters, digits, - and _, at most 64.");
  await requireRedis(redisUrl);
  const redis = connectRedis(redisUrl, { role: "client", name: "producer" });
  const queues = createQueueSet(redis);
  const states = createBatchStates(redis);
  const stop = async () => {
    await queues.stop();
    redis.disconnect();
  };
  const made = await states.make(batch, task, JSON.stringify({ input: "producer" }));
  if (made.task !== task) {
    await stop();
    throw new UsageError(`batch ${batch} belongs to the task "${made.task}"`, "Use another batch id.");
  }
  const writer = createRowWriter({
    batch,
    task,
    states,
    queues,
    memory: createMemoryGate(redis, systemClock),
    clock: systemClock,
    windowRows: options.windowRows ?? 5_000,
    windowBytes: options.windowBytes ?? 64 * 2 ** 20,
    ...(signal ? { signal } : {}),
  });
  return {
    batch,
    async add(row) {
      checkRow(row);
      await writer.add(row);
    },
    async seal() {
      await writer.seal();
      return writer.counts().rows;
    },
    status: () => states.status(batch),
    stop,
  };
}
