import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { foldCalls, NO_CALLS, sumsOf } from "../../src/routing/call-sums.ts";
import { createCallStats } from "../../src/routing/call-stats.ts";
import { createRedisStatsBook } from "../../src/routing/redis-stats-book.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { providerKeys } from "../../src/runtime/keys.ts";
import { ANSWERED, FAILED_CHECK, see, statsContract } from "../contracts/stats-contract.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());

const open = (provider: string) => createRedisStatsBook({ redis: server.client(), provider });
const start = (provider: string) =>
  createCallStats({ books: new Map([[provider, open(provider)]]), tasks: ["sort"], models: [`${provider}/large`], clock: systemClock });

statsContract("in Redis", {
  open,
  clock: systemClock,
  pass: (ms) => systemClock.sleep(ms),
  async age(provider, ms) {
    const redis = server.client();
    const { stats } = providerKeys(provider);
    for (const [subject, value] of Object.entries(await redis.hgetall(stats))) {
      const [at, ...rest] = value.split(" ");
      await redis.hset(stats, subject, [Number(at) - ms, ...rest].join(" "));
    }
  },
});

describe("statistics in Redis", () => {
  it("are folded by the script as by the rule", async () => {
    const book = open("rule");
    const call = (outcome = ANSWERED, latencyMs = 400) =>
      sumsOf({ outcome, latencyMs, usage: { inputTokens: 123, outputTokens: 45 }, costNanoUsd: 6_789 })!;
    const many = foldCalls(NO_CALLS, {
      ...call(),
      calls: 320,
      answers: 310,
      passed: 300,
      latencies: new Map([
        [3, 100],
        [40, 210],
      ]),
    });
    const portions = [call(), many, call(FAILED_CHECK, 90), many, { ...many, calls: 900 }];
    let expected = NO_CALLS;
    for (const portion of portions) {
      await book.add(new Map([["sort|rule/large", portion]]));
      expected = foldCalls(expected, portion);
      const found = (await book.read()).get("sort|rule/large")!;
      for (const field of ["calls", "answers", "passed", "inputTokens", "outputTokens", "costNanoUsd"] as const) {
        expect(found[field] / Math.max(expected[field], 1e-9)).toBeCloseTo(expected[field] === 0 ? 0 : 1, 3);
      }
      for (const [bucket, count] of expected.latencies) expect(found.latencies.get(bucket) ?? 0).toBeCloseTo(count, 1);
    }
  });

  it("that can't be read are begun anew, and forgotten when nobody adds to them", async () => {
    const redis = server.client();
    const { stats } = providerKeys("odd");
    await redis.hset(stats, {
      "sort|odd/large": "1 2 three",
      "sort|odd/small": "1e300 1 1 1 1 1 1",
      "": "",
      "sort|odd/x": "1 1 1 1 1 1 1 500 1",
    });
    expect([...(await open("odd").read()).keys()]).toEqual([]);
    const pool = start("odd");
    see(pool, "odd/large", { count: 3 });
    await pool.stop();
    expect((await open("odd").read()).get("sort|odd/large")).toMatchObject({ calls: expect.closeTo(3, 1) });
    expect(await redis.ttl(stats)).toBeGreaterThan(24 * 3_600);
  });

  it("stay away where the hash is something else, without harm to a call or a decision", async () => {
    const redis = server.client();
    await redis.set(providerKeys("wrong").stats, "x");
    const stats = start("wrong");
    see(stats, "wrong/large", { count: 20 });
    expect(stats.of("sort", "wrong/large").calls).toBe(0);
    await expect(stats.read()).rejects.toThrow("WRONGTYPE");
    await stats.stop();
  });
});

describe("statistics with Redis away", () => {
  it("stand as they were read last, and what is new is handed in when it is back", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const [pool, router] = [start("outage"), start("outage")];
    see(pool, "outage/large", { count: 50 });
    await vi.waitFor(() => expect(router.of("sort", "outage/large").calls).toBeGreaterThan(45), { timeout: 10_000 });
    await server.kill();
    see(pool, "outage/large", { count: 50 });
    expect(router.of("sort", "outage/large").calls).toBeGreaterThan(45);
    await server.restart();
    await vi.waitFor(() => expect(router.of("sort", "outage/large").calls).toBeGreaterThan(80), { timeout: 15_000 });
    await Promise.all([pool.stop(), router.stop()]);
  });

  it("can be stopped", async ({ skip }) => {
    const lone = await startTestRedis();
    if (!lone.isOurs) skip(NOT_OURS);
    const books = new Map([["gone", createRedisStatsBook({ redis: lone.client(), provider: "gone" })]]);
    await lone.kill();
    const stats = createCallStats({ books, tasks: ["sort"], models: ["gone/large"], clock: systemClock });
    see(stats, "gone/large");
    expect(stats.of("sort", "gone/large").calls).toBe(0);
    await stats.stop();
    await lone.stop();
  });
});
