// Calls in flight whose process is killed were paid. Whatever becomes of their rows next, they are in the books.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import type { LedgerEntry } from "../../src/job/ledger.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { batchKeys, providerKeys } from "../../src/runtime/keys.ts";
import { collect } from "../results/sample-results.ts";
import { startTestFleet, until, type FleetProcessHandle, type TestFleet } from "../support/fleet.ts";

const ROWS = 20;
const PRICE = { input: 1, output: 5 };

let fleet: TestFleet | undefined;
let simulatorUrl = "";
/** Those beside the pool. */
let others: readonly FleetProcessHandle[] = [];
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

const startOthers = (of: TestFleet) => Promise.all(["router", "reroute", "recorder"].map((role) => of.start(role)));

/** A fleet with one model, whose simulator has others. */
const configOf = (url: string, provider: string, model: string, limits: object = {}) => ({
  providers: {
    [provider]: {
      kind: "openai",
      apiKey: "${SIMULATED_KEY}",
      baseUrl: `${url}/${provider}/v1`,
      limits: { concurrency: 64 },
      models: { [model]: { price: PRICE, limits } },
    },
  },
  tasks: { ask: { prompt: { user: "{{ input.text }}" }, route: [`${provider}/${model}`], maxOutputTokens: 200 } },
  queues: { lock: "2s", stalledCheck: "500ms" },
});

/** A fleet whose pool was killed with all rows of the batch `b` in flight, once their vendor has charged them. */
async function killInFlight({
  limits = {},
  model = "one",
}: { readonly limits?: object; readonly model?: string } = {}): Promise<TestFleet> {
  const slow = { price: PRICE, latency: { baseMs: 2_000, jitterMs: 0 } };
  const started = await startTestFleet({
    simulator: {
      vendors: {
        alpha: { kind: "openai", models: { [model]: slow, other: { price: PRICE } } },
        beta: { kind: "openai", models: { other: { price: PRICE } } },
      },
    },
    config: (url) => configOf((simulatorUrl = url), "alpha", model, limits),
  });
  fleet = started;
  others = await startOthers(started);
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

const inFlight = (of: TestFleet) =>
  Object.values(of.simulator.state().vendors["alpha"]?.models ?? {}).reduce((sum, model) => sum + model.inFlight, 0);

/** The fleet is started anew, with `other` as its only model. */
async function reconfigure(of: TestFleet, provider: string): Promise<void> {
  await Promise.all(others.map((each) => each.terminate()));
  await writeFile(of.config, JSON.stringify(configOf(simulatorUrl, provider, "other")));
  await Promise.all([startOthers(of), of.start("pool", provider)]);
}

/** The batch's calls, when all of it is stored. */
async function ledgerOf(of: TestFleet): Promise<readonly LedgerEntry[]> {
  const redis = of.redis.client();
  const states = createBatchStates(redis);
  await until("the batch's end", async () => ["finished", "cancelled"].includes((await states.status("b"))?.state ?? ""), 60_000);
  await until("its results to be stored", async () => (await redis.xlen(batchKeys("b").results)) === 0);
  const store = createFileStore({ dir: join(of.dir, "data", "store") });
  const entries = await collect(store.ledger("b"));
  await store.stop();
  return entries;
}

/** How often the batch's calls ended how. */
async function booked(of: TestFleet): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { outcome } of await ledgerOf(of)) counts[outcome] = (counts[outcome] ?? 0) + 1;
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
    const of = await killInFlight({ limits: { rpd: ROWS } });
    await of.start("pool", "alpha");
    await until("all rows to have been handed back", async () => {
      const open = Object.values(await of.redis.client().hgetall(batchKeys("b").open));
      return open.every((entry) => Number(entry.split("|")[0]) >= 2);
    });
    await of.command("cancel", "b").result;
    expect(await booked(of)).toEqual({ uncertain: ROWS });
    expect(of.simulator.ledger().total.calls).toBe(ROWS);
  });

  it("are booked when their model is taken out of the configuration, at the catalogue's price, and their rows go on with another", async () => {
    const of = await killInFlight({ model: "gpt-5-mini" });
    await reconfigure(of, "alpha");
    const entries = await ledgerOf(of);
    const lost = entries.filter(({ outcome }) => outcome === "uncertain");
    expect(entries.length - lost.length).toBe(ROWS);
    expect(new Set(lost.map(({ row, model }) => `${row} ${model}`)).size).toBe(ROWS);
    for (const { model, usage, costNanoUsd } of lost) {
      expect(model).toBe("alpha/gpt-5-mini");
      expect(usage.inputTokens).toBeGreaterThan(0);
      expect(costNanoUsd).toBeGreaterThan(0);
    }
    expect(of.simulator.ledger().total.calls).toBe(2 * ROWS);
    // Their places among the account's calls are free again.
    const redis = of.redis.client();
    const { leases, buckets } = providerKeys("alpha");
    await until("all permits to be closed", async () => (await redis.hlen(leases)) === 0);
    expect(await redis.hget(buckets, "calls|*")).toBe("0");
  });

  it("are booked when their provider is taken out and their batch is cancelled: what they cost is not known any more", async () => {
    const of = await killInFlight();
    await of.command("cancel", "b").result;
    await reconfigure(of, "beta");
    const entries = await ledgerOf(of);
    expect(entries.map(({ outcome, costNanoUsd }) => `${outcome} ${costNanoUsd}`)).toEqual(
      Array.from({ length: ROWS }, () => "uncertain 0"),
    );
    for (const { usage } of entries) expect(usage.inputTokens).toBeGreaterThan(0);
    expect(of.simulator.ledger().total.calls).toBe(ROWS);
  });
});
