import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRedisBreaker } from "../../src/breaker/redis-breaker.ts";
import { DEFAULT_BREAKER_SETTINGS } from "../../src/breaker/breaker-machine.ts";
import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import { createRedisBoard } from "../../src/breaker/redis-board.ts";
import type { Tally } from "../../src/breaker/tally.ts";
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

describe("the counts in Redis", () => {
  it("are those in memory", async () => {
    const redis = createRedisBoard({ redis: server.client(), settings: DEFAULT_BREAKER_SETTINGS });
    const memory = createMemoryBoard({ clock: systemClock, settings: DEFAULT_BREAKER_SETTINGS });
    const handIns: readonly Tally[] = [
      { begun: 9, ok: 4, failed: 3, streak: 2, breaks: true },
      { begun: 7, ok: 5, failed: 3, streak: 3, breaks: false },
      { begun: 1, ok: 0, failed: 0, streak: 0, breaks: false },
      { begun: 0, ok: 0, failed: 1, streak: 1, breaks: true },
      { begun: 0, ok: 0, failed: 1, streak: 1, breaks: false },
    ];
    for (const tally of handIns) {
      const counts = new Map([["counts/large", tally]]);
      const [inRedis, inMemory] = await Promise.all([redis.count("counts", counts), memory.count("counts", counts)]);
      const { breaks: _, ...expected } = inMemory.windows.get("counts/large") as Tally;
      expect(inRedis.windows.get("counts/large")).toEqual(expected);
    }
  });
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
