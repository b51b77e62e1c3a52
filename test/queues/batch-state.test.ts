import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchStates, type BatchStates } from "../../queues/batch-state.ts";
import { createResultStream } from "../../queues/result-stream.ts";
import type { Result } from "../../src/job/result.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let redis: Redis;
let states: BatchStates;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
  states = createBatchStates(redis);
});
afterAll(() => server.stop());

const TOKEN = "task@1";
const resultOf = (batch: string, row: number): Result => ({
  batch,
  row,
  task: "t",
  round: 0,
  hop: 0,
  trail: [],
  reroutes: 0,
  enqueuedAt: 0,
  finishedAt: 0,
  status: "error",
  error: { code: "lost", message: "" },
});

describe("a batch in Redis", () => {
  it("doesn't expire while a row is at work, though it is an inbox that was to", async () => {
    const claim = (row: number) => states.claim({ batch: "inbox-t-0", row, hop: 0, part: 0, token: TOKEN, makeFor: "t" });
    await claim(1);
    const { meta, open } = batchKeys("inbox-t-0");
    for (const key of [meta, open]) await redis.pexpire(key, 60_000);
    expect(await claim(2)).toBe("go");
    expect(await Promise.all([meta, open].map((key) => redis.pttl(key)))).toEqual([-1, -1]);
  });

  it("tells who brings a part that its row has ended, or has gone on, so that the call is booked all the same", async () => {
    await states.make("b", "t", "{}");
    const bring = (row: number, hop: number, json?: string) =>
      states.bring({ batch: "b", row }, hop, { part: 0, parts: 2, ...(json === undefined ? {} : { json }) });
    for (const row of [0, 1, 2]) await states.claim({ batch: "b", row, hop: 1, part: 0, token: TOKEN });
    expect(await bring(0, 1, "a")).toEqual({ isThere: true, isGone: false, all: [] });
    expect(await states.brought({ batch: "b", row: 0 }, 1, 2)).toEqual(["a"]);
    await states.claim({ batch: "b", row: 1, hop: 2, part: 0, token: TOKEN });
    expect(await bring(1, 1, "a")).toMatchObject({ isGone: true });
    await states.record({ ...resultOf("b", 2), hop: 1 });
    expect(await bring(2, 1)).toEqual({ isThere: false, isGone: true, all: [] });
  });

  it("books calls beside its results, and none once its keys have expired", async () => {
    await states.make("c", "t", "{}");
    await states.book(resultOf("c", 7));
    const { entries } = await createResultStream(redis, "me").read("c", 10);
    expect(entries).toMatchObject([{ isExtra: true, result: { row: 7 } }]);
    expect((await states.status("c"))?.done).toBe(0);
    await states.book(resultOf("expired", 7));
    expect(await redis.exists(batchKeys("expired").results)).toBe(0);
  });
});
