import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRedisBreaker } from "../../src/breaker/redis-breaker.ts";
import type { Breaker } from "../../src/breaker/breaker.ts";
import { modelId } from "../../src/job/names.ts";
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

describe("four processes on one Redis", () => {
  const startFour = (provider: string) => {
    const model = modelId(provider, "large");
    const breakers = Array.from({ length: 4 }, () =>
      createRedisBreaker({ redis: server.client(), clock: systemClock, models: [model], openMs: 1_000, longestDoubtMs: 10_000 }),
    );
    return { model, breakers, stop: () => Promise.all(breakers.map((breaker) => breaker.stop())) };
  };

  it("waste few calls on a vendor that dies under load, and send one probe together when its time is over", async () => {
    const { model, breakers, stop } = startFour("crowd");
    let [isDown, answered, inFlight, wasted] = [false, 0, 0, 0];
    const slot = async (breaker: Breaker) => {
      for (;;) {
        const { kind } = await breaker.admit(model);
        if (kind !== "call") return;
        if (isDown) wasted++;
        inFlight++;
        await systemClock.sleep(2);
        inFlight--;
        if (!isDown) answered++;
        breaker.report(model, { ending: isDown ? "failed" : "ok" });
      }
    };
    const slots = breakers.flatMap((breaker) => Array.from({ length: 25 }, () => slot(breaker)));
    await vi.waitFor(() => expect(answered).toBeGreaterThan(1_000), { timeout: 10_000 });
    isDown = true;
    const atDeath = inFlight;
    await Promise.all(slots);
    expect(wasted).toBeLessThanOrEqual(atDeath + 10 * breakers.length);

    await vi.waitFor(() => expect(breakers.map((breaker) => breaker.state(model).kind)).toEqual(breakers.map(() => "half-open")), {
      timeout: 10_000,
    });
    const admissions = await Promise.all(breakers.flatMap((breaker) => Array.from({ length: 25 }, () => breaker.admit(model))));
    expect(admissions.filter(({ kind }) => kind === "probe")).toHaveLength(1);
    expect(admissions.filter(({ kind }) => kind === "call")).toHaveLength(0);
    await stop();
  });
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
