// Calls in flight whose process is killed were paid. Whatever becomes of their rows next, they are in the books.

import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { createFileStore } from "../../src/results/file-store.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const ROWS = 20;
const PRICE = { input: 1, output: 5 };

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

/** A fleet whose pool was killed with all rows of the batch `b` in flight, once their vendor has charged them. */
async function killInFlight(limits: object = {}): Promise<TestFleet> {
  const started = await startTestFleet({
    simulator: {
      vendors: { alpha: { kind: "openai", models: { one: { price: PRICE, latency: { baseMs: 2_000, jitterMs: 0 } } } } },
    },
    config: (url) => ({
      providers: {
        alpha: {
          kind: "openai",
          apiKey: "${SIMULATED_KEY}",
          baseUrl: `${url}/alpha/v1`,
          limits: { concurrency: 64 },
          models: { one: { price: PRICE, limits } },
        },
      },
      tasks: { ask: { prompt: { user: "{{ input.text }}" }, route: ["alpha/one"], maxOutputTokens: 200 } },
      queues: { lock: "2s", stalledCheck: "500ms" },
    }),
  });
  fleet = started;
  await Promise.all([started.start("router"), started.start("reroute"), started.start("recorder")]);
  const pool = await started.start("pool", "alpha");
  await enqueue(started, "b", ROWS);
  await until("all calls to be in flight", () => Promise.resolve(inFlight(started) === ROWS));
  await pool.kill();
  await until("the vendor to have charged them", () => Promise.resolve(inFlight(started) === 0));
  return started;
}

async function enqueue(to: TestFleet, batch: string, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => JSON.stringify({ text: `question ${i} of batch ${batch}` }));
  const file = await to.file(`${batch}.jsonl`, lines.join("\n"));
  const { code, stderr } = await to.command("enqueue", file, "--task", "ask", "--batch", batch).result;
  expect(code, stderr).toBe(0);
}

const inFlight = (of: TestFleet) => of.simulator.state().vendors["alpha"]?.models["one"]?.inFlight ?? 0;

/** How often the batch's calls ended how, by the ledger, when all of it is stored. */
async function booked(of: TestFleet): Promise<Readonly<Record<string, number>>> {
  const redis = of.redis.client();
  const states = createBatchStates(redis);
  await until("the batch's end", async () => ["finished", "cancelled"].includes((await states.status("b"))?.state ?? ""), 60_000);
  await until("its results to be stored", async () => (await redis.xlen(batchKeys("b").results)) === 0);
  const store = createFileStore({ dir: join(of.dir, "data", "store") });
  const counts: Record<string, number> = {};
  for await (const { outcome } of store.ledger("b")) counts[outcome] = (counts[outcome] ?? 0) + 1;
  await store.stop();
  return counts;
}

describe("calls in flight whose pool is killed", { timeout: 90_000 }, () => {
  it("are booked when their batch is cancelled before another pool takes them", async () => {
    const of = await killInFlight();
    await of.command("cancel", "b").result;
    await of.start("pool", "alpha");
    expect(await booked(of)).toEqual({ uncertain: ROWS });
    expect(of.simulator.ledger().total.calls).toBe(ROWS);
  });

  it("are booked when their batch is paused, and called once more when it goes on", async () => {
    const of = await killInFlight();
    await of.command("pause", "b").result;
    await of.start("pool", "alpha");
    const redis = of.redis.client();
    const hops = async () => Object.values(await redis.hgetall(batchKeys("b").open)).map((entry) => Number(entry.split("|")[0]));
    await until("all rows to be back in their task's queue", async () => (await hops()).every((hop) => hop >= 2), 30_000);
    await of.command("resume", "b").result;
    expect(await booked(of)).toEqual({ answered: ROWS, uncertain: ROWS });
    expect(of.simulator.ledger().total.calls).toBe(2 * ROWS);
  });

  it("are booked when their model's breaker is open by then", async () => {
    const of = await killInFlight();
    of.simulator.setFault({ vendor: "alpha", fault: "outage" });
    await enqueue(of, "other", 40);
    await of.start("pool", "alpha");
    const refused = () => of.simulator.ledger().total.calls - ROWS;
    await until("the breaker to have opened on others", () => Promise.resolve(refused() >= 8));
    await until("all rows to have been handed back", async () => {
      const open = Object.values(await of.redis.client().hgetall(batchKeys("b").open));
      return open.every((entry) => Number(entry.split("|")[0]) >= 2);
    });
    of.simulator.clearFaults();
    const { answered, uncertain } = await booked(of);
    expect(answered).toBe(ROWS);
    expect(uncertain).toBe(ROWS);
  });

  it("are booked when their model may not be called again for hours", async () => {
    const of = await killInFlight({ rpd: ROWS });
    await of.start("pool", "alpha");
    await until("all rows to have been handed back", async () => {
      const open = Object.values(await of.redis.client().hgetall(batchKeys("b").open));
      return open.every((entry) => Number(entry.split("|")[0]) >= 2);
    });
    await of.command("cancel", "b").result;
    expect(await booked(of)).toEqual({ uncertain: ROWS });
    expect(of.simulator.ledger().total.calls).toBe(ROWS);
  });
});
