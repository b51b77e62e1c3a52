import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRedisBreaker } from "../../src/breaker/redis-breaker.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { breakerContract } from "../contracts/breaker-contract.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());

breakerContract("in Redis", {
  create: (models, changes) => createRedisBreaker({ redis: server.client(), clock: systemClock, models, refreshMs: 50, ...changes }),
  pass: (ms) => systemClock.sleep(ms),
});

describe("the breaker in Redis, with Redis away", () => {
  it("goes on with its copy, and opens when Redis is back", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const model = "outage/large";
    const breaker = createRedisBreaker({ redis: server.client(), clock: systemClock, models: [model], refreshMs: 50 });
    await breaker.trip({ model: "outage/small" }, "down", 60_000);
    await server.kill();
    for (let i = 0; i < 8; i++) breaker.report(model, { ending: "failed" });
    expect(await breaker.admit(model)).toEqual({ kind: "call" });
    expect(breaker.state("outage/small")).toMatchObject({ kind: "open" });
    await server.restart();
    await vi.waitFor(() => expect(breaker.state(model)).toMatchObject({ kind: "open" }), { timeout: 10_000 });
    await breaker.stop();
  });
});
