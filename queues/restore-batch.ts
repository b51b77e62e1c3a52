// Rebuilding a batch whose Redis keys have expired, from its store: a resume then still calls nothing that has a result.

import type { Redis } from "ioredis";
import type { Result } from "../src/job/result.ts";
import type { Store } from "../src/results/store.ts";
import { batchKeys, fleetKeys } from "../src/runtime/keys.ts";
import { sendPipeline } from "./pipeline.ts";

const CHUNK = 1_000;

/** Restores the batch if Redis doesn't know it and the store does; answers whether it did. Its state is `open`, as if interrupted just now. */
export async function restoreBatch(redis: Redis, store: Store, batch: string, task: string): Promise<boolean> {
  const keys = batchKeys(batch);
  if ((await redis.exists(keys.meta)) === 1) return false;
  const lastStreamId = await store.lastStreamId(batch);
  if (lastStreamId === undefined) return false;
  let done = 0;
  let answered = 0;
  let round = 0;
  let ownTask = task;
  let chunk: Result[] = [];
  const mark = async () => {
    await sendPipeline(redis, (pipeline) => {
      for (const { row, status } of chunk) {
        pipeline.setbit(keys.done, row, 1);
        if (status === "error") pipeline.setbit(keys.failed, row, 1);
      }
    });
    chunk = [];
  };
  for await (const result of store.read(batch)) {
    done++;
    if (result.status === "answered") answered++;
    round = Math.max(round, result.round);
    ownTask = result.task;
    if (chunk.push(result) === CHUNK) await mark();
  }
  await mark();
  await continueStream(redis, keys.results, lastStreamId);
  await redis.zadd(fleetKeys.batches, "NX", Date.now(), batch);
  // The hash comes last: an interrupted restoration begins anew.
  await redis.hset(keys.meta, {
    state: "open",
    task: ownTask,
    round,
    done,
    answered,
    failed: done - answered,
    opened: done,
    stored: done,
    createdAt: Date.now(),
  });
  await redis.zadd(fleetKeys.batches, "NX", Date.now(), batch);
  return true;
}

/** The store takes only entries newer than its last: the new stream must go on from there, whatever the clock says. */
async function continueStream(redis: Redis, stream: string, lastId: string): Promise<void> {
  await redis.del(stream);
  await redis.xadd(stream, lastId, "x", "{}");
  await redis.xdel(stream, lastId);
}
