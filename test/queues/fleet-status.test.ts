import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { registerProcess } from "../../queues/fleet-registry.ts";
import { readFleetStatus } from "../../queues/fleet-status.ts";
import type { Fleet } from "../../src/config/fleet.ts";
import { batchKeys, DEAD_QUEUE, fleetKeys, modelQueue, REROUTE_QUEUE, taskQueue } from "../../src/runtime/keys.ts";
import { createRedisLimiter } from "../../src/limits/redis-limiter.ts";
import { countCalls } from "../cost/sample-calls.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { contextOf, fleetOf, type TestContext } from "../workers/web/web-fixture.ts";

const MINI = "openai/gpt-5-mini";

let server: TestRedis;
let redis: Redis;
let fleet: Fleet;
let context: TestContext;

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
  fleet = await fleetOf();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushdb();
  context = contextOf(redis, fleet);
});
afterEach(() => context.stop());

/** A batch as it stands in Redis. */
async function putBatch(batch: string, fields: Record<string, string | number>): Promise<void> {
  await context.states.make(batch, "classify-ticket", "test");
  await redis.hset(batchKeys(batch).meta, fields);
}

const register = (roles: readonly string[], configHash = fleet.hash) =>
  registerProcess(redis, context.clock, { roles, configHash, tasks: ["classify-ticket"] });

describe("the status of a fleet", () => {
  it("without anything shows what is configured, empty", async () => {
    const status = await readFleetStatus(context);
    expect(status).toMatchObject({
      batches: [],
      batchesLeftOut: 0,
      processes: [],
      work: [],
      budgets: [],
      warnings: [],
      configHash: fleet.hash,
    });
    expect(status.queues.map(({ name, title }) => [name, title])).toEqual([
      [taskQueue("classify-ticket"), "task classify-ticket"],
      [modelQueue("openai/gpt-5-mini"), "model openai/gpt-5-mini"],
      [modelQueue("anthropic/claude-haiku-4-5"), "model anthropic/claude-haiku-4-5"],
      [REROUTE_QUEUE, "reroute"],
      [DEAD_QUEUE, "dead letters"],
    ]);
    expect(status.models).toMatchObject([
      { model: "openai/gpt-5-mini", isConfigured: true, isPriced: true, breaker: { kind: "closed" }, calls: 0, costNanoUsd: 0 },
      // Without a price of its own, with the catalogue's.
      { model: "anthropic/claude-haiku-4-5", isConfigured: true, isPriced: true, breaker: { kind: "closed" } },
    ]);
  });

  it("has what every queue holds, by state, and how long a model is parked", async () => {
    const queue = context.queues.queue(modelQueue("openai/gpt-5-mini"));
    await queue.addBulk([
      { name: "x", data: {} },
      { name: "x", data: {} },
      { name: "x", data: {}, opts: { priority: 3 } },
      { name: "x", data: {}, opts: { delay: 60_000 } },
    ]);
    await queue.rateLimit(60_000);
    const { queues, models } = await readFleetStatus(context);
    expect(queues[1]).toMatchObject({ waiting: 3, active: 0, delayed: 1, failed: 0 });
    expect(models[0]).toMatchObject({ waiting: 3, delayed: 1 });
    expect(models[0]!.parkedMs).toBeGreaterThan(0);
  });

  it("has queues that only another process knows, and leaves names out that are not the fleet's", async () => {
    context.queues.queue(taskQueue("older-task"));
    context.queues.queue("not-ours");
    const { queues } = await readFleetStatus(context);
    expect(queues.map((queue) => queue.title)).toContain("task older-task");
    expect(queues.map((queue) => queue.name)).not.toContain("not-ours");
  });

  it("sums calls and cost of the batches by model, configured or not", async () => {
    await putBatch("one", { "model:openai/gpt-5-mini:calls": 10, "model:openai/gpt-5-mini:costNanoUsd": 1_000 });
    await putBatch("two", { "model:openai/gpt-5-mini:calls": 5, "model:openai/gpt-5-mini:costNanoUsd": 500, "model:old/v1:beta:calls": 2 });
    const { models, batches } = await readFleetStatus(context);
    expect(models.find(({ model }) => model === "openai/gpt-5-mini")).toMatchObject({ calls: 15, costNanoUsd: 1_500 });
    expect(models.find(({ model }) => model === "old/v1:beta")).toMatchObject({ calls: 2, costNanoUsd: 0, isConfigured: false });
    expect(batches.find(({ batch }) => batch === "one")?.models).toEqual({ "openai/gpt-5-mini": { calls: 10, costNanoUsd: 1_000 } });
  });

  it("has a model's breaker, or its provider's where that is worse, without a breaker of its own running", async () => {
    await context.breaker.trip({ provider: "openai" }, "insufficient quota", 60_000);
    await context.breaker.trip({ model: "anthropic/claude-haiku-4-5" }, "unknown model", 60_000);
    const { models } = await readFleetStatus(context);
    expect(models.map(({ breaker }) => breaker)).toMatchObject([
      { kind: "open", reason: "insufficient quota" },
      { kind: "open", reason: "unknown model" },
    ]);
  });

  it("has how much of its limits each model uses, and the slots of all pools together", async () => {
    const limiter = createRedisLimiter({ redis, clock: context.clock, providers: fleet.providers });
    for (const call of ["a.0.0.0.1", "a.1.0.0.1"]) {
      const request = { call, model: MINI, inputTokens: 10, inputCharacters: 4_000, outputTokens: 5, leaseMs: 60_000 } as const;
      await limiter.acquire(request, { patienceMs: 1_000, signal: new AbortController().signal });
    }
    const pools = [register(["pool:openai"]), register(["pool:openai"])];
    pools.forEach((pool, i) => pool.tell(MINI, { slots: 10 + i, callsPerSecond: 5 }));
    await expect.poll(async () => (await readFleetStatus(context)).models[0]?.slots, { timeout: 10_000 }).toBe(21);
    const { models } = await readFleetStatus(context);
    expect(models[0]?.use).toMatchObject({
      dimensions: [
        { dimension: "rpm", limit: 10_000, isVendors: false },
        { dimension: "tpm", limit: 2_000_000, isVendors: false },
      ],
      inFlight: 2,
      heldUntil: 0,
    });
    expect(models[0]?.use.dimensions[0]?.taken).toBeGreaterThan(0);
    expect(models[1]).toMatchObject({ slots: 0, use: { callsPerMinute: 0, inFlight: 0 } });
    await Promise.all([limiter.stop(), ...pools.map((each) => each.stop())]);
  });

  it("has no use of limits of a model that isn't configured", async () => {
    await putBatch("one", { "model:old/v1:beta:calls": 2 });
    const { models } = await readFleetStatus(context);
    const unused = { dimensions: [], callsPerMinute: 0, inFlight: 0, heldUntil: 0 };
    expect(models.find(({ model }) => model === "old/v1:beta")).toMatchObject({ use: unused, slots: 0 });
  });

  it("lists the newest batches, and live ones however old they are", async () => {
    await putBatch("old-and-live", { round: 0 });
    for (let i = 0; i < 5; i++) await putBatch(`over-${i}`, { state: "finished" });
    await Promise.all(
      ["old-and-live", "over-0", "over-1", "over-2", "over-3", "over-4"].map((batch, i) => redis.zadd(fleetKeys.batches, i, batch)),
    );
    const { batches, batchesLeftOut } = await readFleetStatus({ ...context, batchLimit: 3 });
    expect(batches.map(({ batch }) => batch)).toEqual(["over-4", "over-3", "old-and-live"]);
    expect(batchesLeftOut).toBe(3);
  });
});

describe("what the day has cost", () => {
  it("is there by task and model, by each tag and by tenant, the dearest first", async () => {
    const tags = { team: "search", source: "mail" };
    await countCalls(redis, [
      { model: "openai/gpt-5-mini", costNanoUsd: 30, tags, tenant: "acme" },
      { model: "openai/gpt-5-mini", costNanoUsd: 20, tags: { team: "search" }, outcome: "uncertain" },
      { model: "anthropic/claude-haiku-4-5", costNanoUsd: 70, tags: { team: "sales" } },
      { at: Date.now() - 86_400_000, costNanoUsd: 1_000_000 },
    ]);
    const { spendToday } = await readFleetStatus(context);
    expect(spendToday).toMatchObject({
      day: new Date().toISOString().slice(0, 10),
      calls: 3,
      costNanoUsd: 120,
      uncertainCalls: 1,
      uncertainNanoUsd: 20,
      estimatedCalls: 1,
      estimatedNanoUsd: 20,
      byTaskAndModel: [
        { task: "classify", model: "anthropic/claude-haiku-4-5", calls: 1, costNanoUsd: 70 },
        { task: "classify", model: "openai/gpt-5-mini", calls: 2, costNanoUsd: 50 },
      ],
      byTag: [
        { tag: "team", value: "sales", costNanoUsd: 70 },
        { tag: "team", value: "search", calls: 2, costNanoUsd: 50 },
        { tag: "source", value: "mail", costNanoUsd: 30 },
      ],
      tagsLeftOut: 0,
      byTenant: [{ costNanoUsd: 90 }, { tenant: "acme", costNanoUsd: 30 }],
    });
    expect(spendToday.byTenant[0]).not.toHaveProperty("tenant");
  });

  it("is no longer than a page, whatever tags and tenants there are", async () => {
    const calls = Array.from({ length: 130 }, (_, i) => ({ tags: { ticket: `t${i}` }, tenant: `u${i}`, costNanoUsd: i }));
    await countCalls(redis, calls, 60);
    const { spendToday } = await readFleetStatus(context);
    expect([spendToday.calls, spendToday.byTag.length, spendToday.tagsLeftOut]).toEqual([130, 50, 11]);
    // Those without a room of their own together are the dearest.
    expect(spendToday.byTag[0]).toMatchObject({ calls: 70 });
    expect(spendToday.byTag[0]).not.toHaveProperty("tag");
    expect([spendToday.byTenant.length, spendToday.tenantsLeftOut, spendToday.byTenant[0]?.isMixed]).toEqual([50, 71, true]);
  });

  it("is nothing where nothing was called", async () => {
    expect((await readFleetStatus(context)).spendToday).toMatchObject({
      calls: 0,
      costNanoUsd: 0,
      byTaskAndModel: [],
      byTag: [],
      byTenant: [],
    });
  });
});

describe("warnings", () => {
  it("name the processes that run another configuration", async () => {
    const processes = [register(["router", "reroute", "recorder"]), register(["pool:openai"], "another")];
    await expect.poll(async () => (await readFleetStatus(context)).processes.length).toBe(2);
    const { warnings } = await readFleetStatus(context);
    expect(warnings).toEqual([expect.stringContaining(`1 process runs another configuration than ${fleet.path}: pool:openai`)]);
    await Promise.all(processes.map((each) => each.stop()));
  });

  it("name the roles that work waits for in vain, with the commands that start them", async () => {
    await putBatch("waiting", { state: "sealed", total: 10, cursor: 10 });
    const router = register(["router", "pool:openai"]);
    await expect.poll(async () => (await readFleetStatus(context)).processes.length).toBe(1);
    const { warnings } = await readFleetStatus(context);
    expect(warnings).toEqual([
      "Work is waiting, and no process runs reroute, recorder, pool:anthropic. Start them: modelfleet reroute, modelfleet recorder, modelfleet pool anthropic.",
    ]);
    await router.stop();
  });

  it("miss nobody while nothing waits", async () => {
    await putBatch("done", { state: "finished", total: 10, stored: 10, cursor: 10 });
    await putBatch("inbox-classify-ticket-0", { cursor: 4, stored: 4 });
    await putBatch("paused", { state: "sealed", total: 10, cursor: 10, paused: 1 });
    expect((await readFleetStatus(context)).warnings).toEqual([]);
  });

  it("tell of a vendor that allows less than is configured, and of a key that it turns away", async () => {
    const limiter = createRedisLimiter({ redis, clock: context.clock, providers: fleet.providers });
    const request = { call: "a.0.0.0.1", model: MINI, inputTokens: 10, inputCharacters: 40, outputTokens: 5, leaseMs: 60_000 } as const;
    await limiter.acquire(request, { patienceMs: 1_000, signal: new AbortController().signal });
    const readings = [{ dimension: "rpm", limit: 500, remaining: 499 }] as const;
    await limiter.settle({ call: request.call, model: MINI, ending: "answered", readings });
    await limiter.stop();
    await context.breaker.trip({ provider: "anthropic" }, "401 authentication_error: invalid x-api-key", 60_000);
    expect((await readFleetStatus(context)).warnings).toEqual([
      expect.stringMatching(/^openai\/gpt-5-mini allows 500 rpm by its vendor's word, 10,000 are configured: lower /),
      expect.stringMatching(/^anthropic\/claude-haiku-4-5 turns every call away: 401 .+ Check the provider's apiKey/),
    ]);
  });
});
