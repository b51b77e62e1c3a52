// The fleet's books against the vendors': every fault on in turn, processes killed, and still each call is booked once, to the nano-dollar.

import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { createFileStore } from "../../src/results/file-store.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { FAULTS, type FaultName } from "../../src/simulator/faults.ts";
import { pause, startTestFleet, until, type FleetProcessHandle, type TestFleet } from "../support/fleet.ts";

/** 50,000 by hand: `MODELFLEET_LEDGER_ROWS=50000 npx vitest run test/faults/books.test.ts`. */
const ROWS = Number(process.env["MODELFLEET_LEDGER_ROWS"] ?? 2_000);
const MODELS = { alpha: ["one", "two"], beta: ["three", "four"] } as const;
/** A vendor that is out of money or forbids everything only stops the fleet for minutes: those faults cost nothing and are tested elsewhere. */
const LEFT_OUT: readonly FaultName[] = [
  "quota",
  "billing",
  "spend-cap",
  "auth",
  "permission",
  "unknown-model",
  "long-retry-after",
  "too-large",
];
const FAULTS_IN_TURN = (Object.keys(FAULTS) as FaultName[]).filter((fault) => !LEFT_OUT.includes(fault));

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

const priceOf = (i: number) => ({ input: 0.15 + i, output: 0.6 + 3 * i, cachedInput: 0.075 + i / 2 });

async function startFleet() {
  const vendors = Object.entries(MODELS).map(([name, models], v) => ({
    name,
    kind: v === 0 ? ("openai" as const) : ("anthropic" as const),
    models: models.map((model, m) => ({ model, price: priceOf(2 * v + m) })),
  }));
  const latency = { baseMs: 20, jitterMs: 40 };
  const started = await startTestFleet({
    simulator: {
      vendors: Object.fromEntries(
        vendors.map(({ name, kind, models }) => [
          name,
          { kind, models: Object.fromEntries(models.map(({ model, price }) => [model, { price, latency, cachedShare: 0.3 }])) },
        ]),
      ),
    },
    config: (url) => ({
      providers: Object.fromEntries(
        vendors.map(({ name, kind, models }) => [
          name,
          {
            kind,
            apiKey: "${SIMULATED_KEY}",
            baseUrl: `${url}/${name}${kind === "openai" ? "/v1" : ""}`,
            limits: { concurrency: 64 },
            models: Object.fromEntries(models.map(({ model, price }) => [model, { price }])),
          },
        ]),
      ),
      tasks: {
        ask: {
          prompt: { user: "{{ input.text }}" },
          route: { strategy: "weighted", models: ["alpha/one", "alpha/two", "beta/three", "beta/four"] },
          attempts: 3,
          timeout: "2s",
          onRefusal: "reroute",
        },
      },
      queues: { lock: "3s", stalledCheck: "1s" },
    }),
  });
  const processes = new Map<string, FleetProcessHandle>();
  const roles = [["router"], ["pool", "alpha"], ["pool", "beta"], ["reroute"], ["recorder"]] as const;
  await Promise.all(roles.map(async (role) => processes.set(role.join(" "), await started.start(...role))));
  return { started, processes, roles };
}

it(`${ROWS} jobs over four models, with every fault and kills: each call is in the books once, and what can't be known is within what is booked as uncertain`, async () => {
  const { started, processes, roles } = await startFleet();
  fleet = started;
  const redis = started.redis.client();
  const states = createBatchStates(redis);
  const rows = Array.from({ length: ROWS }, (_, i) => JSON.stringify({ text: `question ${i} of a long and winding list of ${ROWS}` }));
  const file = await started.file("in.jsonl", rows.join("\n"));
  const enqueueing = started.command("enqueue", file, "--task", "ask", "--batch", "books");
  const state = async () => states.status("books");
  const isOver = async () => (await state())?.state === "finished";

  let turn = 0;
  const restarts: Promise<void>[] = [];
  while (!(await isOver())) {
    const fault = FAULTS_IN_TURN[turn % FAULTS_IN_TURN.length]!;
    const vendor = turn % 2 === 0 ? "alpha" : "beta";
    // After as many turns as there are faults for both vendors the rest may end in peace.
    if (turn < 2 * FAULTS_IN_TURN.length) started.simulator.setFault({ vendor, fault, share: 0.2, forMs: 1_500, delayMs: 500 });
    if (turn % 8 === 3 && turn < 2 * FAULTS_IN_TURN.length) {
      const role = roles[(turn >> 3) % roles.length]!;
      await processes.get(role.join(" "))!.kill();
      restarts.push(started.start(...role).then((handle) => void processes.set(role.join(" "), handle)));
    }
    await pause(ROWS > 10_000 ? 1_000 : 400);
    turn++;
    if (turn > 2_000) throw new Error(`the batch did not end: ${JSON.stringify(await state())}`);
  }
  await Promise.all(restarts);
  expect((await enqueueing.result).code).toBe(0);
  // Late answers of calls that nobody waits for any more are still to be charged.
  await until("the vendors to be idle", () =>
    Promise.resolve(
      Object.values(started.simulator.state().vendors).every(({ models }) => Object.values(models).every(({ inFlight }) => inFlight === 0)),
    ),
  );
  await until("the last results to be stored", async () => (await redis.xlen(batchKeys("books").results)) === 0);

  const store = createFileStore({ dir: join(started.dir, "data", "store") });
  const calls = new Set<string>();
  const booked = { exact: 0, uncertain: 0, uncertainCalls: 0 };
  for await (const entry of store.ledger("books")) {
    expect(calls.has(entry.call), `${entry.call} is booked twice`).toBe(false);
    calls.add(entry.call);
    if (entry.outcome === "uncertain") booked.uncertainCalls++;
    booked[entry.outcome === "uncertain" ? "uncertain" : "exact"] += entry.costNanoUsd;
  }
  let results = 0;
  for await (const _ of store.read("books")) results++;
  await store.stop();

  const truth = started.simulator.ledger().total;
  const total = booked.exact + booked.uncertain;
  const said = {
    rows: results,
    calls: calls.size,
    truthNanoUsd: truth.costNanoUsd,
    ...booked,
    differenceNanoUsd: truth.costNanoUsd - total,
  };
  console.log(
    JSON.stringify({
      ...said,
      vendorsCalls: truth.calls,
      undelivered: truth.undelivered,
      undeliveredNanoUsd: truth.undeliveredCostNanoUsd,
    }),
  );
  expect(results).toBe(ROWS);
  // What arrived is booked exactly: the vendors charged no less, and beyond it only for calls whose usage never arrived.
  expect(booked.exact, JSON.stringify(said)).toBeLessThanOrEqual(truth.costNanoUsd);
  expect(Math.abs(truth.costNanoUsd - total), JSON.stringify(said)).toBeLessThanOrEqual(booked.uncertain);
  expect(booked.uncertainCalls).toBeGreaterThan(0);
}, 600_000);
