// The fleet's books against the vendors': every fault on, in turn and all at once, processes killed, and still each call is booked once, to the nano-dollar.

import { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import type { LedgerEntry } from "../../src/job/ledger.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { batchKeys, taskQueue } from "../../src/runtime/keys.ts";
import { FAULTS, type FaultName } from "../../src/simulator/faults.ts";
import { auditBooks, describeAudit } from "../support/audit-books.ts";
import { startTestFleet, until, type FleetProcessHandle, type TestFleet } from "../support/fleet.ts";
import { letTimePass } from "../support/let-time-pass.ts";

/** 50,000 by hand, in some twenty minutes: `MODELFLEET_LEDGER_ROWS=50000 npx vitest run test/faults/books.test.ts`. */
const ROWS = Number(process.env["MODELFLEET_LEDGER_ROWS"] ?? 1_200);
const IS_LARGE = ROWS > 10_000;
const PORTIONS = IS_LARGE ? 40 : 10;
const MODELS = { alpha: ["one", "two"], beta: ["three", "four"] } as const;
const VENDORS = Object.keys(MODELS);
const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];
const ROLES = [["pool", "alpha"], ["router"], ["pool", "beta"], ["reroute"], ["recorder"]] as const;
/** A "long" wait begins at half a minute: beyond that its model counts as unavailable. */
const DELAYS_MS: Partial<Record<FaultName, number>> = { "long-retry-after": 31_000 };
const LATENCY = { baseMs: 20, jitterMs: 40 };

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

const ANSWERED_BY_ONE = {
  route: { strategy: "weighted", models: ["alpha/one", "alpha/two", "beta/three", "beta/four"] },
  onRefusal: "reroute",
};

interface FleetOptions {
  /** By which answers are longer than the simulator's dozen. */
  readonly reasoningTokens?: number;
  readonly latency?: typeof LATENCY;
  readonly task?: object;
}

async function startFleet({ reasoningTokens = 0, latency = LATENCY, task = ANSWERED_BY_ONE }: FleetOptions = {}) {
  const vendors = Object.entries(MODELS).map(([name, models], v) => ({
    name,
    kind: v === 0 ? ("openai" as const) : ("anthropic" as const),
    models: models.map((model, m) => {
      const i = 2 * v + m;
      return { model, price: { input: 0.15 + i, output: 0.6 + 3 * i, cachedInput: 0.075 + i / 2 } };
    }),
  }));
  const limits = { rpm: 60_000 };
  const simulated = { limits, latency, cachedShare: 0.3, reasoningTokens };
  const started = await startTestFleet({
    simulator: {
      callLog: true,
      vendors: Object.fromEntries(
        vendors.map(({ name, kind, models }) => [
          name,
          { kind, models: Object.fromEntries(models.map(({ model, price }) => [model, { price, ...simulated }])) },
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
            models: Object.fromEntries(models.map(({ model, price }) => [model, { price, limits }])),
          },
        ]),
      ),
      tasks: {
        ask: { prompt: { user: "{{ input.text }}" }, attempts: 3, timeout: "2s", ...task },
      },
      queues: { lock: "3s", stalledCheck: "1s" },
    }),
  });
  fleet = started;
  const processes = new Map<string, FleetProcessHandle>();
  await Promise.all(ROLES.map(async (role) => processes.set(role.join(" "), await started.start(...role))));
  const restarts: Promise<void>[] = [];
  let kills = 0;
  return {
    started,
    redis: started.redis.client(),
    simulator: started.simulator,
    kills: () => kills,
    /** Each process in turn; its successor starts at once. */
    killNext: async (role: readonly string[] = ROLES[kills % ROLES.length]!) => {
      kills++;
      await processes.get(role.join(" "))!.kill();
      restarts.push(started.start(...role).then((handle) => void processes.set(role.join(" "), handle)));
    },
    allStarted: () => Promise.all(restarts),
  };
}

/** A batch that the test sends piece by piece. */
function createFeed(redis: Redis, rows: number) {
  const queue = new Queue(taskQueue("ask"), { connection: redis });
  const states = createBatchStates(redis);
  const prompts = Array.from({ length: rows }, (_, i) => `question ${i} of a long and winding list of ${rows}`);
  let sent = 0;
  const status = () => states.status("books");
  return {
    prompts,
    async send(count: number) {
      const next = prompts.slice(sent, sent + count).map((text, i) => ({ row: sent + i, text }));
      sent += next.length;
      await queue.addBulk(
        next.map(({ row, text }) => ({ name: "ask", data: { v: 1, batch: "books", row, total: rows, input: { text } } })),
      );
    },
    /** But for a few that wait for something: a breaker that a refused key has opened stays open longer each time. */
    isNearlyThrough: async () => ((await status())?.done ?? 0) >= sent - Math.max(20, rows / 250),
    isFinished: async () => (await status())?.state === "finished",
    stop: () => queue.close(),
  };
}

/** Waits until nothing is under way any more, and holds the fleet's books against the vendors'. */
async function audit({ started, redis, simulator }: Awaited<ReturnType<typeof startFleet>>, prompts?: readonly string[]) {
  // Late answers of calls that nobody waits for any more are still to be charged.
  await until("the vendors to be idle", () =>
    Object.values(simulator.state().vendors).every(({ models }) => Object.values(models).every(({ inFlight }) => inFlight === 0)),
  );
  await until("the last results to be stored", async () => (await redis.xlen(batchKeys("books").results)) === 0);
  const store = createFileStore({ dir: join(started.dir, "data", "store") });
  const entries: LedgerEntry[] = [];
  for await (const entry of store.ledger("books")) entries.push(entry);
  const endings: Record<string, number> = {};
  for await (const result of store.read("books")) {
    const ending = result.status === "answered" ? "answered" : result.error.code;
    endings[ending] = (endings[ending] ?? 0) + 1;
  }
  await store.stop();
  const { calls = [], total } = simulator.ledger();
  const audited = auditBooks({ entries, charges: calls, ...(prompts ? { prompts } : {}) });
  expect(audited.truthNanoUsd).toBe(total.costNanoUsd);
  console.log(`${describeAudit(audited)}\nrows by how they ended    ${JSON.stringify(endings)}`);
  return { ...audited, endings, purposes: new Set(entries.map(({ purpose }) => purpose)) };
}

/** What arrived is booked as the vendors charged it; beyond that they charged no more than twice what is booked as uncertain, and it is known what for. */
function expectWithinBounds({ truthNanoUsd, exactNanoUsd, uncertainNanoUsd, uncertainCalls, slips }: Awaited<ReturnType<typeof audit>>) {
  expect(slips).toEqual([]);
  expect(uncertainCalls).toBeGreaterThan(0);
  expect(truthNanoUsd - exactNanoUsd).toBeGreaterThanOrEqual(0);
  expect(Math.abs(truthNanoUsd - exactNanoUsd - uncertainNanoUsd)).toBeLessThanOrEqual(uncertainNanoUsd);
}

describe("each call is in the books once, and what can't be known is within what is booked as uncertain", () => {
  it(`${ROWS} jobs over four models, with every fault of the simulator and kills`, async () => {
    const running = await startFleet();
    const { redis, simulator, killNext } = running;
    const feed = createFeed(redis, ROWS);
    const met = (vendor: string, fault: FaultName) => simulator.ledger().vendors[vendor]?.total.faults[fault] ?? 0;

    // Half of the rows: one fault after the other, at each vendor another.
    const piece = Math.ceil((ROWS * 0.5) / FAULT_NAMES.length);
    for (const [turn, first] of FAULT_NAMES.entries()) {
      const second = FAULT_NAMES[(turn + FAULT_NAMES.length / 2) % FAULT_NAMES.length]!;
      const faults = [
        { vendor: "alpha", fault: first },
        { vendor: "beta", fault: second },
      ];
      for (const each of faults) simulator.setFault({ ...each, share: 0.25, delayMs: DELAYS_MS[each.fault] ?? 500 });
      await feed.send(piece);
      if (IS_LARGE || turn % 4 === 3) await killNext();
      await until(
        `${first} and ${second}`,
        async () => faults.every(({ vendor, fault }) => met(vendor, fault) >= piece / 20) || (await feed.isNearlyThrough()),
        300_000,
      );
      simulator.clearFaults();
      for (const vendor of VENDORS) await letTimePass(redis, vendor);
    }

    // Then all of them at once, at every vendor.
    for (const vendor of VENDORS) {
      for (const fault of FAULT_NAMES) simulator.setFault({ vendor, fault, share: 0.015, delayMs: DELAYS_MS[fault] ?? 500 });
    }
    for (let i = 0; i < PORTIONS; i++) {
      await feed.send(Math.ceil((ROWS * 0.4) / PORTIONS));
      if (IS_LARGE || i % 2 === 1) await killNext();
      await until(
        `the ${i + 1}th portion of rows, with all faults on`,
        async () => {
          for (const vendor of VENDORS) await letTimePass(redis, vendor);
          return feed.isNearlyThrough();
        },
        1_200_000,
      );
    }

    // The rest in peace.
    simulator.clearFaults();
    await feed.send(ROWS);
    await until(
      "the end of the batch",
      async () => {
        for (const vendor of VENDORS) await letTimePass(redis, vendor);
        return feed.isFinished();
      },
      1_200_000,
    );
    await running.allStarted();
    await feed.stop();

    const audited = await audit(running, feed.prompts);
    expectWithinBounds(audited);
    expect(audited.endings["answered"]).toBeGreaterThan(0.97 * ROWS);
    expect(Object.values(audited.endings).reduce((sum, count) => sum + count, 0)).toBe(ROWS);
    expect(Object.keys(simulator.ledger().total.faults).toSorted()).toEqual(FAULT_NAMES.toSorted());
    console.log(`${running.kills()} processes killed; faults met: ${JSON.stringify(simulator.ledger().total.faults)}`);
  }, 7_200_000);

  it("long answers of a task that nothing is known of: a vendor charges all and delivers nothing, the other's first calls are cut off with their process", async () => {
    const rows = 200;
    const running = await startFleet({ reasoningTokens: 600, latency: { baseMs: 700, jitterMs: 200 } });
    const { redis, simulator, killNext } = running;
    const feed = createFeed(redis, rows);
    simulator.setFault({ vendor: "alpha", fault: "reset" });
    await feed.send(rows);
    await until("calls at beta", () => (simulator.ledger().vendors["beta"]?.total.calls ?? 0) >= 20);
    await killNext(["pool", "beta"]);
    await until("calls at alpha to be charged", () => (simulator.ledger().vendors["alpha"]?.total.undelivered ?? 0) >= 20);
    await until("the end of the batch", () => feed.isFinished());
    await running.allStarted();
    await feed.stop();
    const audited = await audit(running, feed.prompts);
    expectWithinBounds(audited);
    expect(audited.endings).toEqual({ answered: rows });
    expect(audited.chargedCalls).toBeGreaterThanOrEqual(40);
  }, 120_000);

  it("steps of several models, judges and repairs, with every fault at once and kills", async () => {
    const rows = 120;
    const running = await startFleet({
      task: {
        // They never agree, for each names itself; a simulated judge gives any score.
        route: [{ agree: ["alpha/one", "beta/three"] }, "alpha/two", "beta/four"],
        judge: { models: ["beta/three", "alpha/one"], rubric: "Any answer will do.", passMark: 6, onFail: "repair" },
      },
    });
    const { redis, simulator, killNext } = running;
    const feed = createFeed(redis, rows);
    for (const vendor of VENDORS) {
      for (const fault of FAULT_NAMES) simulator.setFault({ vendor, fault, share: 0.015, delayMs: DELAYS_MS[fault] ?? 500 });
    }
    for (let portion = 0; portion < 3; portion++) {
      const { calls } = simulator.ledger().total;
      await feed.send(rows / 3);
      await until("calls of these rows", () => simulator.ledger().total.calls > calls + rows / 3);
      await killNext(["pool", VENDORS[portion % 2]!]);
    }
    simulator.clearFaults();
    await until("the end of the batch", async () => {
      for (const vendor of VENDORS) await letTimePass(redis, vendor);
      return feed.isFinished();
    });
    await running.allStarted();
    await feed.stop();
    const audited = await audit(running);
    expectWithinBounds(audited);
    expect([...audited.purposes].toSorted()).toEqual(["agree", "answer", "judge", "repair"]);
  }, 120_000);
});
