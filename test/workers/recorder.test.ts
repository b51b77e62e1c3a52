import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Result } from "../../src/job/result.ts";
import { createFileStore } from "../../src/results/file-store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { fleetKeys } from "../../src/runtime/keys.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { createBatchStates } from "../../queues/batch-state.ts";
import type { ProcessContext } from "../../workers/process-context.ts";
import { createRecorder } from "../../workers/recorder.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

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

/** A recorder, with a clock that can be put forward, and the number of times it asked for a batch's state. */
function start() {
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
  const store = createFileStore({ dir });
  const fleet = { queues: { reconcileMs: 60_000 } };
  const context = { fleet, redis: client, states, clock, log: silentLogger } as unknown as ProcessContext;
  const recorder = createRecorder(context, { store });
  return {
    client,
    states: real,
    asked: (batch: string) => asked.get(batch) ?? 0,
    putForward: (ms: number) => (aheadMs += ms),
    async stop() {
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
  const answer: Result = {
    batch: "slow",
    row: 0,
    task: "classify",
    round: 0,
    hop: 1,
    status: "answered",
    model: "alpha/one",
    answer: { text: "billing", finish: { unified: "stop", raw: "stop" } },
    trail: [],
    reroutes: 0,
    enqueuedAt: 1,
    finishedAt: 2,
  };
  await states.record(answer);
  await vi.waitFor(async () => expect(await states.status("slow")).toMatchObject({ state: "finished", stored: 1 }), 10_000);
  await stop();
});

it("a batch whose keys have expired is struck off the list after a minute", async () => {
  const { client, asked, putForward, stop } = start();
  await client.zadd(fleetKeys.batches, Date.now(), "gone");
  await vi.waitFor(() => expect(asked("gone")).toBeGreaterThan(1), 10_000);
  expect(await client.zscore(fleetKeys.batches, "gone")).not.toBeNull();
  putForward(61_000);
  await vi.waitFor(async () => expect(await client.zscore(fleetKeys.batches, "gone")).toBeNull(), 10_000);
  await stop();
});
