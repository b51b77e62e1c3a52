import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { AnsweredResult } from "../../src/job/result.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { createPostgresStore } from "../../src/results/postgres/postgres-store.ts";
import type { Store } from "../../src/results/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { batchKeys, fleetKeys, totalsKeys } from "../../src/runtime/keys.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { createBatchStates, type BatchStates } from "../../queues/batch-state.ts";
import type { ProcessContext } from "../../workers/process-context.ts";
import { createRecorder } from "../../workers/recorder.ts";
import { startTestPostgres, whyNoPostgres } from "../support/postgres.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { collect, trailEntry } from "../results/sample-results.ts";

let redis: TestRedis;
let dir: string;

beforeAll(async () => {
  redis = await startTestRedis();
  dir = await mkdtemp(join(tmpdir(), "modelfleet-recorder-"));
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true });
});

const missing = await whyNoPostgres();

/** A recorder, with a clock that can be put forward, and the number of times it asked for a batch's state. */
function start(store: Store = createFileStore({ dir })) {
  const client = redis.client();
  const real = createBatchStates(client);
  const asked = new Map<string, number>();
  const states = {
    ...real,
    status(batch: string) {
      asked.set(batch, (asked.get(batch) ?? 0) + 1);
      return real.status(batch);
    },
  };
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const fleet = { queues: { reconcileMs: 60_000 } };
  const context = { fleet, redis: client, states, clock, log: silentLogger } as unknown as ProcessContext;
  const recorder = createRecorder(context, { store });
  return {
    client,
    store,
    states: real,
    asked: (batch: string) => asked.get(batch) ?? 0,
    putForward: (ms: number) => (aheadMs += ms),
    stop: async () => {
      await recorder.stop(0);
      await store.stop();
    },
  };
}

it("a batch that is registered long before it is made is recorded all the same", async () => {
  const { client, states, asked, stop } = start();
  await client.zadd(fleetKeys.batches, Date.now(), "slow");
  await vi.waitFor(() => expect(asked("slow")).toBeGreaterThan(2), 10_000);
  await states.make("slow", "classify", "{}");
  await states.note("slow", [{ row: 0, bytes: 1 }], { rows: 10, bytes: 100 });
  await states.seal("slow", 1);
  await states.record(answerOf("slow", 0));
  await vi.waitFor(async () => expect(await states.status("slow")).toMatchObject({ state: "finished", stored: 1 }), 10_000);
  await stop();
});

it("a batch whose keys have expired is struck off the list after a minute, and what the live totals knew of it goes too", async () => {
  const { client, asked, putForward, stop } = start();
  await client.hset(totalsKeys.watermarks, "gone", "1-0");
  await client.zadd(fleetKeys.batches, Date.now(), "gone");
  await vi.waitFor(() => expect(asked("gone")).toBeGreaterThan(1), 10_000);
  expect(await client.zscore(fleetKeys.batches, "gone")).not.toBeNull();
  putForward(61_000);
  await vi.waitFor(async () => expect(await client.zscore(fleetKeys.batches, "gone")).toBeNull(), 10_000);
  await vi.waitFor(async () => expect(await client.hget(totalsKeys.watermarks, "gone")).toBeNull(), 10_000);
  await stop();
});

it("a refused second result is kept for its calls, and counted as no row", async () => {
  const { states, store, stop } = start();
  await open(states, "extras", 1);
  await states.record(answerOf("extras", 0, ["extras.0.1.0.1"]));
  await states.record(answerOf("extras", 0, ["extras.0.1.0.1", "extras.0.1.0.2"]));
  await vi.waitFor(async () => expect(await states.status("extras")).toMatchObject({ state: "finished", stored: 1 }), 10_000);
  await vi.waitFor(async () => expect(await collect(store.ledger("extras"))).toHaveLength(2), 10_000);
  expect((await collect(store.ledger("extras"))).map(({ call, isDuplicate }) => [call, isDuplicate])).toEqual([
    ["extras.0.1.0.1", false],
    ["extras.0.1.0.2", true],
  ]);
  expect(await collect(store.read("extras"))).toHaveLength(1);
  await vi.waitFor(async () => expect(await states.status("extras")).toMatchObject({ calls: 2, duplicateCalls: 1 }), 10_000);
  await stop();
});

it("stopped, it records what has come by then, of a batch that it hasn't seen yet as well", async () => {
  const { states, store, stop } = start();
  await open(states, "seen", 2);
  await states.record(answerOf("seen", 0));
  await vi.waitFor(async () => expect(await states.status("seen")).toMatchObject({ stored: 1 }), 10_000);
  await open(states, "unseen", 2);
  for (const batch of ["seen", "unseen"]) await states.record(answerOf(batch, 1, [`${batch}.1.1.0.1`]));
  await stop();
  expect(await states.status("seen")).toMatchObject({ state: "finished", stored: 2, calls: 1 });
  expect(await states.status("unseen")).toMatchObject({ done: 1, stored: 1, calls: 1 });
  expect((await collect(store.read("unseen"))).map(({ row }) => row)).toEqual([1]);
});

it("stopped while the store is away, it ends, and leaves the results to the next one", async () => {
  const files = createFileStore({ dir });
  const { states, client, stop } = start({ ...files, append: () => Promise.reject(new Error("the disk is full")) });
  await open(states, "kept", 2);
  await states.record(answerOf("kept", 0));
  await stop();
  expect(await states.status("kept")).toMatchObject({ done: 1, stored: 0 });
  expect(await client.exists(batchKeys("kept").recorder)).toBe(0);

  const next = start();
  await vi.waitFor(async () => expect(await states.status("kept")).toMatchObject({ stored: 1 }), 10_000);
  await next.stop();
});

it("while PostgreSQL is away results wait in Redis, and are recorded when it is back", async (test) => {
  if (missing !== undefined) return test.skip(missing);
  const postgres = await startTestPostgres();
  test.onTestFinished(() => postgres.stop());
  if (!postgres.isOurs) return test.skip("needs a PostgreSQL that it may kill");
  const { states, store, client, stop } = start(createPostgresStore({ url: await postgres.createDatabase() }));
  await open(states, "away", 2);
  await states.record(answerOf("away", 0, ["away.0.1.0.1"]));
  await vi.waitFor(async () => expect(await states.status("away")).toMatchObject({ stored: 1 }), 10_000);
  await postgres.kill();
  await states.record(answerOf("away", 1, ["away.1.1.0.1"]));
  await states.record(answerOf("away", 1, ["away.1.1.0.2"]));
  await expect(store.lastStreamId("away")).rejects.toThrow("can't be used");
  expect(await client.xlen(batchKeys("away").results)).toBe(2);
  await postgres.restart();
  await vi.waitFor(async () => expect(await states.status("away")).toMatchObject({ state: "finished", stored: 2 }), 20_000);
  expect((await collect(store.read("away"))).map(({ row }) => row)).toEqual([0, 1]);
  expect(await collect(store.ledger("away"))).toHaveLength(3);
  await stop();
});

async function open(states: BatchStates, batch: string, rows: number): Promise<void> {
  await states.make(batch, "classify", "{}");
  await states.note(
    batch,
    Array.from({ length: rows }, (_, row) => ({ row, bytes: 1 })),
    { rows: 10, bytes: 100 },
  );
  await states.seal(batch, rows);
}

function answerOf(batch: string, row: number, calls: readonly string[] = []): AnsweredResult {
  return {
    batch,
    row,
    task: "classify",
    round: 0,
    hop: 1,
    status: "answered",
    model: "alpha/one",
    answer: { text: "billing", finish: { unified: "stop", raw: "stop" } },
    trail: calls.map((call) => trailEntry({ call })),
    reroutes: 0,
    enqueuedAt: 1,
    finishedAt: 2,
  };
}
