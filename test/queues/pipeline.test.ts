// A connection to Redis that is lost between two replies of a pipeline: ioredis fails the commands that are left, whatever the connection's patience.

import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectRedis } from "../../queues/connection.ts";
import { isCutOff, repeatWhenCutOff, sendPipeline } from "../../queues/pipeline.ts";
import { createQueueSet } from "../../queues/queue-set.ts";
import { restoreBatch } from "../../queues/restore-batch.ts";
import { freshProgress } from "../../src/job/progress.ts";
import { batchKeys, taskQueue } from "../../src/runtime/keys.ts";
import type { Store } from "../../src/results/store.ts";
import { answered } from "../results/sample-results.ts";
import { startCuttingProxy, type CuttingProxy } from "../support/cutting-proxy.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let proxy: CuttingProxy;
let redis: Redis;
let direct: Redis;

beforeEach(async () => {
  server = await startTestRedis();
  proxy = await startCuttingProxy(server.url);
  redis = connectRedis(proxy.url, { role: "worker", name: "test" });
  redis.on("error", () => undefined);
  await redis.ping();
  direct = server.client();
});

afterEach(async () => {
  redis.disconnect();
  await proxy.stop();
  await server.stop();
});

const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, row) => ({
    job: { batch: "b", row, task: "classify", input: { text: `${row}` } },
    hop: 0,
    round: 0,
    progress: freshProgress(0),
  }));

describe("a pipeline that is cut in two", () => {
  it("fails in ioredis, also where commands wait for Redis", async () => {
    const cut = proxy.cutAfter(20);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 100; i++) pipeline.set(`key ${i}`, i);
    const replies = (await pipeline.exec())!;
    await cut;
    const errors = replies.flatMap(([error]) => error ?? []);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every(isCutOff)).toBe(true);
  });

  it("is sent again, and answers with the reply of each command", async () => {
    await direct.mset("a", "1", "c", "3");
    const cut = proxy.cutAfter(6);
    expect(await sendPipeline(redis, (pipeline) => pipeline.get("a").get("b").get("c"))).toEqual(["1", null, "3"]);
    await cut;
  });

  it("fails by the first error that Redis itself answers with", async () => {
    await direct.set("text", "no list");
    await expect(sendPipeline(redis, (pipeline) => pipeline.get("text").lpush("text", "1"))).rejects.toThrow(/^WRONGTYPE/);
    await expect(repeatWhenCutOff(() => redis.lpush("text", "1"))).rejects.toThrow(/^WRONGTYPE/);
  });

  it("leaves every row in its queue once", async () => {
    const queues = createQueueSet(redis);
    await queues.queue(taskQueue("classify")).waitUntilReady();
    await queues.known();
    const cut = proxy.cutAfter(100);
    await queues.addToTask(rowsOf(300));
    await cut;
    const jobs = await createQueueSet(direct).queue(taskQueue("classify")).getWaiting();
    expect(jobs).toHaveLength(300);
    expect(new Set(jobs.map(({ data }) => data.row)).size).toBe(300);
    await queues.stop();
  });

  it("marks every row of a batch that is restored as done", async () => {
    const store = {
      lastStreamId: async () => "5-1",
      async *read() {
        for (let row = 0; row < 400; row++) yield answered(row);
      },
    } as unknown as Store;
    const cut = proxy.cutAfter(60); // EXISTS and a part of the bits
    expect(await restoreBatch(redis, store, "b", "classify")).toBe(true);
    await cut;
    expect(await direct.bitcount(batchKeys("b").done)).toBe(400);
  });
});
