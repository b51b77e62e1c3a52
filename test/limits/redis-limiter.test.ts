import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelSpec } from "../../src/job/model.ts";
import { createRedisLimiter } from "../../src/limits/redis-limiter.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { limiterContract, modelWith } from "../contracts/limiter-contract.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());

limiterContract("in Redis", {
  create: (provider, processes) =>
    Array.from({ length: processes }, () =>
      createRedisLimiter({ redis: server.client(), clock: systemClock, providers: new Map([[provider.name, provider]]) }),
    ),
  now: () => Date.now(),
  pass: (ms) => systemClock.sleep(ms),
});

it("takes back a call of a model that was taken out of the configuration, and its places with it", async () => {
  const [former, other] = [modelWith("changed", "former", { concurrency: 1, rpm: 60 }), modelWith("changed", "other", {})];
  const open = (models: readonly ModelSpec[]) => {
    const provider = { name: "changed", kind: "openai", apiKey: "k", limits: { concurrency: 1 }, models } as const;
    return createRedisLimiter({ redis: server.client(), clock: systemClock, providers: new Map([["changed", provider]]) });
  };
  const ask = (call: string, { id }: ModelSpec) => ({
    call,
    model: id,
    inputTokens: 7,
    inputCharacters: 28,
    outputTokens: 5,
    leaseMs: 60_000,
  });
  const now = { patienceMs: 0, signal: new AbortController().signal };
  const [before, after] = [open([former, other]), open([other])];
  expect((await before.acquire(ask("lost", former), now)).kind).toBe("granted");
  expect((await after.acquire(ask("next", other), now)).kind).toBe("wait");
  expect(await after.reclaim({ call: "lost", model: former.id })).toMatchObject({ inputTokens: 7, outputTokens: 5 });
  expect(await after.reclaim({ call: "lost", model: former.id })).toBeUndefined();
  expect((await after.acquire(ask("next", other), now)).kind).toBe("granted");
  await expect(after.acquire(ask("new", former), now)).rejects.toThrow('knows no model "changed/former"');
  await Promise.all([before.stop(), after.stop()]);
});

describe("the limiter in Redis, with Redis away", () => {
  it("goes on where it was when Redis is back: permits, and calls in flight", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const model = modelWith("outage", "large", { concurrency: 2 });
    const provider = { name: "outage", kind: "openai", apiKey: "k", limits: {}, models: [model] } as const;
    const limiter = createRedisLimiter({ redis: server.client(), clock: systemClock, providers: new Map([["outage", provider]]) });
    const acquire = (call: string, patienceMs = 0) =>
      limiter.acquire(
        { call, model: model.id, inputTokens: 1, inputCharacters: 4, outputTokens: 1, leaseMs: 60_000 },
        { patienceMs, signal: new AbortController().signal },
      );
    expect((await acquire("a")).kind).toBe("granted");
    // While an fsync is under way, Redis keeps what it has answered to itself for up to two seconds.
    await expect.poll(() => server.client().info("persistence"), { timeout: 5_000 }).toContain("aof_buffer_length:0");
    await server.kill();
    const duringOutage = acquire("b", 30_000);
    await server.restart();
    // Sent again after the connection was lost: granted once, and not taken for a cut-off call.
    expect(await duringOutage).toEqual({ kind: "granted", permit: expect.any(String) });
    expect((await acquire("c")).kind).toBe("wait");
    expect(await acquire("a")).toMatchObject({ kind: "granted", cutOff: { inputTokens: 1 } });
    await limiter.stop();
  });
});

describe("the limiter in Redis, on a connection that fails fast", () => {
  it("rejects when Redis can't be reached", async ({ skip }) => {
    const lone = await startTestRedis();
    if (!lone.isOurs) skip(NOT_OURS);
    const model = modelWith("gone", "large", {});
    const provider = { name: "gone", kind: "openai", apiKey: "k", limits: {}, models: [model] } as const;
    const redis = lone.client().duplicate({ maxRetriesPerRequest: 1 });
    redis.on("error", () => undefined);
    const limiter = createRedisLimiter({ redis, clock: systemClock, providers: new Map([["gone", provider]]) });
    await lone.kill();
    const request = { call: "a", model: model.id, inputTokens: 1, inputCharacters: 4, outputTokens: 1, leaseMs: 60_000 };
    await expect(limiter.acquire(request, { patienceMs: 0, signal: new AbortController().signal })).rejects.toThrow(
      /max retries|Connection is closed/,
    );
    redis.disconnect();
    await limiter.stop();
    await lone.stop();
  });
});
