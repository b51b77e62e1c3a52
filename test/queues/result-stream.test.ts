import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { createResultStream, type ResultStream } from "../../queues/result-stream.ts";
import type { LedgerEntry } from "../../src/job/ledger.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { answered } from "../results/sample-results.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
let redis: Redis;
let own: ResultStream;
let other: ResultStream;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
  own = createResultStream(redis, "own");
  other = createResultStream(redis, "other");
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushdb();
  await createBatchStates(redis).make("b", "classify", "{}");
  await own.lease("b", 60_000);
});

/** Answers with its id. */
async function push(row: number, kind: "r" | "x" = "r"): Promise<string> {
  const fields = [kind, JSON.stringify(answered(row)), ...(kind === "r" ? ["b", "10"] : [])];
  return (await redis.xadd(batchKeys("b").results, "*", ...fields))!;
}

const counted = (after: string, lastId: string, extraRows: readonly number[] = []) => ({
  after,
  lastId,
  results: 1,
  bytes: 10,
  extraRows,
  sums: new Map([["calls", 1]]),
});
const calls = async () => (await createBatchStates(redis).status("b"))!.calls;

it("a batch has one recorder at a time, and entries are counted by it alone, after the watermark that they follow", async () => {
  const [first, second] = [await push(0), await push(1)];
  expect(await other.lease("b", 60_000)).toBe(false);
  expect(await other.stored("b", counted("", first))).toBe("lost");
  expect(await own.stored("b", counted("", first))).toBe("open");
  // Sent again after a lost connection.
  expect(await own.stored("b", counted("", first))).toBe("open");
  expect(await own.stored("b", counted("", second))).toBe("lost");
  expect(await calls()).toBe(1);
  expect((await own.read("b", 10)).entries.map(({ id }) => id)).toEqual([second]);
  expect(await own.stored("b", counted(first, second))).toBe("open");
  expect(await calls()).toBe(2);
  expect(await own.read("b", 10)).toEqual({ entries: [], after: second, hasExtras: false });
});

it("what is announced to follow a watermark stands until it is counted, for whoever has the batch then", async () => {
  const known = [{ call: "b.0.0.0.1", outcome: "uncertain" } as LedgerEntry];
  const first = await push(0);
  expect(await other.announce("b", "", { lastId: first, known })).toBe(false);
  expect(await own.announce("b", "1-0", { lastId: first, known })).toBe(false);
  expect(await own.announce("b", "", { lastId: first, known })).toBe(true);
  expect(await own.announce("b", "", { lastId: first, known })).toBe(true);
  const second = await push(1);
  expect(await own.announce("b", "", { lastId: second, known: [] })).toBe(false);
  await own.release("b");
  await other.lease("b", 60_000);
  expect(await other.read("b", 10)).toMatchObject({ after: "", announced: { lastId: first, known } });
  expect((await other.read("b", { lastId: first })).entries.map(({ id }) => id)).toEqual([first]);
  await other.stored("b", counted("", first));
  expect(await other.read("b", 10)).not.toHaveProperty("announced");
  expect(await other.announce("b", first, { lastId: second, known: [] })).toBe(true);
  expect(await other.read("b", 10)).toMatchObject({ announced: { lastId: second, known: [] } });
});

it("knows of which rows a second result is stored", async () => {
  const last = await push(70, "x");
  expect(await own.read("b", 10)).toMatchObject({ hasExtras: false, entries: [{ isExtra: true, bytes: 0 }] });
  expect(await own.rowsWithExtras("b", [3, 70])).toEqual([]);
  await own.stored("b", counted("", last, [70, 3]));
  expect((await own.read("b", 10)).hasExtras).toBe(true);
  expect(await own.rowsWithExtras("b", [1, 70, 2, 3])).toEqual([70, 3]);
  expect(await own.rowsWithExtras("b", [])).toEqual([]);
});

it("a finished batch leaves no key that stays for ever", async () => {
  const last = await push(0);
  await redis.hset(batchKeys("b").meta, { state: "finalizing", total: 1 });
  expect(await own.stored("b", counted("", last, [0]))).toBe("finished");
  const late = await push(0, "x");
  expect(await own.announce("b", last, { lastId: late, known: [] })).toBe(true);
  const withoutEnd = async () => {
    const keys = await redis.keys("*{batch.*");
    const left = await Promise.all(keys.map((key) => redis.pttl(key)));
    return keys.filter((_, i) => left[i] === -1);
  };
  expect(await withoutEnd()).toEqual([]);
  await own.stored("b", counted(last, late, [1_000]));
  expect(await withoutEnd()).toEqual([]);
});
