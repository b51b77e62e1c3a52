import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { restoreBatch } from "../../queues/restore-batch.ts";
import type { Result } from "../../src/job/result.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let dir: string;

beforeAll(async () => {
  redis = await startTestRedis();
  dir = await mkdtemp(join(tmpdir(), "modelfleet-restore-"));
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true });
});

const result = (row: number): Result => ({
  batch: "old",
  row,
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
});

it("a batch whose keys have expired is rebuilt from its store: its rows are done, and new entries come after the stored ones", async () => {
  const client = redis.client();
  const store = createFileStore({ dir });
  const future = `${Date.now() + 3_600_000}-0`;
  await store.append(
    "old",
    [0, 2].map((row, i) => ({ streamId: i === 0 ? "1-1" : future, result: result(row) })),
  );
  expect(await restoreBatch(client, store, "old", "classify")).toBe(true);
  const states = createBatchStates(client);
  expect(await states.status("old")).toMatchObject({ state: "open", done: 2, answered: 2, stored: 2 });
  const noted = await states.note(
    "old",
    [0, 1, 2].map((row) => ({ row, bytes: 1 })),
    { rows: 10, bytes: 100 },
  );
  expect(noted).toMatchObject({ kind: "ok", rows: ["done", 0, "done"] });
  await states.record(result(1));
  const [entry] = await client.xrange(batchKeys("old").results, "-", "+");
  expect(Number(entry![0].split("-")[0])).toBeGreaterThanOrEqual(Number(future.split("-")[0]));
  expect(await restoreBatch(client, store, "old", "classify")).toBe(false);
  await store.stop();
});
