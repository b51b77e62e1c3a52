import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { registerProcess, type Registration } from "../../queues/fleet-registry.ts";
import { capBatch } from "../../scripts/batch-cap.ts";
import type { OpenFleet } from "../../scripts/open-fleet.ts";
import type { Fleet } from "../../src/config/fleet.ts";
import type { Spending } from "../../src/cost/budget.ts";
import { createRedisPurse } from "../../src/cost/redis-purse.ts";
import { batchKeys } from "../../src/runtime/keys.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { contextOf, fleetOf, type TestContext } from "../workers/web/web-fixture.ts";

const DOLLAR = 1_000_000_000;
const DAY_MS = 86_400_000;
const MODEL = "openai/gpt-5-mini";
const session = { batch: "b", isOver: false, isAnswered: false, isResumed: true };
const spending: Spending = { model: MODEL, provider: "openai", task: "classify-ticket", batch: "b", isCapped: true };

let server: TestRedis;
let redis: Redis;
let fleet: Fleet;
let context: TestContext;
let clock: ManualClock;
let open: OpenFleet;
let running: Registration;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
  fleet = await fleetOf();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushdb();
  context = contextOf(redis, fleet);
  clock = createManualClock({ startMs: Date.now() });
  open = { ...context, clock, redisUrl: server.url, close: () => Promise.resolve() };
  running = registerProcess(redis, context.clock, { roles: ["router"], configHash: fleet.hash, tasks: ["classify-ticket"] });
  await context.states.make("b", "classify-ticket", "{}");
});
afterEach(async () => {
  await running.stop();
  await context.stop();
});

const purse = () => createRedisPurse({ redis, budgets: fleet.budgets });

/** Ten calls of this batch have their results. */
async function tenCalls(costNanoUsd: number): Promise<void> {
  await redis.hset(batchKeys("b").meta, {
    calls: 10,
    costNanoUsd,
    [`model:${MODEL}:calls`]: 10,
    [`model:${MODEL}:costNanoUsd`]: costNanoUsd,
  });
}

async function capped(limitNanoUsd: number) {
  const cap = await capBatch(open, session, limitNanoUsd);
  return {
    cap,
    /** Looks four times a second for so long, as a command does. */
    lookFor: async (ms: number) => {
      for (let passed = 0; passed < ms && !cap.spent.aborted; passed += 250) {
        await cap.look();
        await clock.advance(250);
      }
      return cap.spent.aborted;
    },
  };
}

describe("a batch's own budget", () => {
  it("ends the command soon when what is left is less than a call has cost", async () => {
    await tenCalls(4.9 * DOLLAR);
    const { lookFor } = await capped(5 * DOLLAR);
    expect(await lookFor(5_000)).toBe(false);
    expect((await purse().reserve(spending, 0.4 * DOLLAR, DAY_MS)).kind).toBe("refused");
    expect(await lookFor(3_000)).toBe(true);
  });

  it("doesn't end it while a call that was paid for is running", async () => {
    await tenCalls(4.5 * DOLLAR);
    const { lookFor } = await capped(5 * DOLLAR);
    const running = await purse().reserve(spending, 0.4 * DOLLAR, DAY_MS);
    expect((await purse().reserve(spending, 0.4 * DOLLAR, DAY_MS)).kind).toBe("refused");
    expect(await lookFor(5_000)).toBe(false);
    if (running.kind === "reserved") await purse().settle(spending, running.reservation, 0.4 * DOLLAR);
    expect(await lookFor(3_000)).toBe(true);
  });

  it("doesn't end it for one dear row while there is money for the others, which wait for their model", async () => {
    await tenCalls(0.1 * DOLLAR);
    const { lookFor } = await capped(5 * DOLLAR);
    expect((await purse().reserve(spending, 6 * DOLLAR, DAY_MS)).kind).toBe("refused");
    expect(await lookFor(8_000)).toBe(false);
    await context.breaker.trip({ model: MODEL }, "insufficient quota", 600_000);
    expect(await lookFor(60_000)).toBe(false);
  });

  it("doesn't end it while rows wait in their model's queue for its limits, but for two minutes", async () => {
    await tenCalls(0.1 * DOLLAR);
    const { lookFor } = await capped(5 * DOLLAR);
    await context.queues.queue("{model.openai.gpt-5-mini}").add("classify-ticket", {});
    expect((await purse().reserve(spending, 6 * DOLLAR, DAY_MS)).kind).toBe("refused");
    expect(await lookFor(60_000)).toBe(false);
    expect(await lookFor(70_000)).toBe(true);
  });

  it("ends it when nobody has found room for longer than others wait for their try, and nothing else keeps them", async () => {
    await tenCalls(0.1 * DOLLAR);
    const { lookFor } = await capped(5 * DOLLAR);
    expect((await purse().reserve(spending, 6 * DOLLAR, DAY_MS)).kind).toBe("refused");
    expect(await lookFor(15_000)).toBe(false);
    // Somebody did: it counts from there.
    const found = await purse().reserve(spending, 0.1 * DOLLAR, DAY_MS);
    if (found.kind === "reserved") await purse().settle(spending, found.reservation, 0.1 * DOLLAR);
    expect(await lookFor(15_000)).toBe(false);
    expect(await lookFor(15_000)).toBe(true);
  });

  it("forgets a refusal when it is set again: nothing is reserved either while the fleet starts", async () => {
    await tenCalls(DOLLAR);
    const before = await capped(DOLLAR);
    expect((await purse().reserve(spending, 6 * DOLLAR, DAY_MS)).kind).toBe("refused");
    expect(await before.lookFor(3_000)).toBe(true);
    const { lookFor } = await capped(6.5 * DOLLAR);
    expect(await lookFor(60_000)).toBe(false);
  });
});
