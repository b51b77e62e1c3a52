// What the fleet's statistics of its models must do, whatever keeps them.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { modelId, type ModelId } from "../../src/job/names.ts";
import type { Answer, Outcome } from "../../src/job/outcome.ts";
import { type CallStats, createCallStats } from "../../src/routing/call-stats.ts";
import { HALF_LIFE_MS, MOST_WEIGHT } from "../../src/routing/call-sums.ts";
import { NO_STATS } from "../../src/routing/model-stats.ts";
import type { StatsBook } from "../../src/routing/stats-book.ts";
import type { Clock } from "../../src/runtime/clock.ts";

export interface StatsSuite {
  /** A provider's book, opened by one more process: the same provider, the same statistics. */
  open(provider: string): StatsBook;
  readonly clock: Clock;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
  /** Makes what the provider's book holds older by that much: hours, which no test waits for. */
  age(provider: string, ms: number): Promise<void>;
}

const ANSWER: Answer = { text: "billing", finish: { unified: "stop", raw: "stop" } };
export const ANSWERED: Outcome = { kind: "answered", answer: ANSWER };
export const FAILED_CHECK: Outcome = { kind: "unfit", cause: "check", reason: "not a label", onFail: "escalate", answer: ANSWER };
export const TIMED_OUT: Outcome = { kind: "transient", reason: "timeout" };

/** `count` calls of the same kind. */
export function see(
  stats: CallStats,
  model: ModelId,
  { count = 1, outcome = ANSWERED, latencyMs = 400, inputTokens = 100, outputTokens = 20, costNanoUsd = 1_000, task = "sort" } = {},
): void {
  for (let i = 0; i < count; i++) stats.add(task, model, { outcome, latencyMs, usage: { inputTokens, outputTokens }, costNanoUsd });
}

export function statsContract(where: string, suite: StatsSuite): void {
  const started: CallStats[] = [];

  /** Fresh names each time: the suites may share a server. */
  const fresh = () => {
    const provider = `p${randomBytes(6).toString("hex")}`;
    const models = [modelId(provider, "large"), modelId(provider, "small")] as const;
    const start = () => {
      const books = new Map([[provider, suite.open(provider)]]);
      const stats = createCallStats({ books, tasks: ["sort", "count"], models, clock: suite.clock });
      started.push(stats);
      return stats;
    };
    /** What a process that has just begun finds. */
    const found = async (model: ModelId, task = "sort") => {
      const reader = start();
      await reader.read();
      return reader.of(task, model);
    };
    return { provider, start, found, model: models[0], other: models[1] };
  };

  /** Lets time go by until it is so. */
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await suite.pass(50);
  };

  describe(`the models' statistics ${where}`, () => {
    afterEach(async () => {
      await Promise.all(started.splice(0).map((stats) => stats.stop()));
    });

    it("begin with nothing", async () => {
      const { start, found, model } = fresh();
      expect(start().of("sort", model)).toEqual(NO_STATS);
      expect(await found(model)).toEqual(NO_STATS);
    });

    it("tell routers what pools saw, of that task and model and no other", async () => {
      const { start, model, other } = fresh();
      const [pool, router] = [start(), start()];
      router.of("sort", model);
      see(pool, model, { count: 80, latencyMs: 400 });
      see(pool, model, { count: 10, outcome: FAILED_CHECK, latencyMs: 400 });
      see(pool, model, { count: 10, outcome: TIMED_OUT, latencyMs: 60_000 });
      await until(() => router.of("sort", model).calls > 99);
      const { answerRate, passRate, p50Ms, p95Ms, ...means } = router.of("sort", model);
      expect(answerRate).toBeCloseTo(0.9, 5);
      expect(passRate).toBeCloseTo(8 / 9, 5);
      // Within a step of the histogram; calls without an answer are not among them.
      for (const ms of [p50Ms, p95Ms]) {
        expect(ms).toBeGreaterThan(400 / 1.13);
        expect(ms).toBeLessThan(400 * 1.13);
      }
      expect(means).toMatchObject({ inputTokens: expect.closeTo(100, 3), outputTokens: expect.closeTo(20, 3) });
      expect(means).toMatchObject({ costNanoUsd: expect.closeTo(1_000, 2) });
      expect(router.of("sort", other)).toEqual(NO_STATS);
      expect(router.of("count", model)).toEqual(NO_STATS);
    });

    it("add up over processes", async () => {
      const { start, found, model } = fresh();
      const pools = [start(), start(), start()];
      pools.forEach((pool, i) => see(pool, model, { count: 30, latencyMs: [200, 800, 3_200][i]! }));
      await Promise.all(pools.map((pool) => pool.stop()));
      const { calls, p50Ms, p95Ms } = await found(model);
      expect(calls).toBeGreaterThan(80);
      expect(p50Ms).toBeGreaterThan(700);
      expect(p50Ms).toBeLessThan(910);
      expect(p95Ms).toBeGreaterThan(2_800);
    });

    it("follow change: a few hundred calls outweigh all that were before", async () => {
      const { start, found, model } = fresh();
      const before = start();
      see(before, model, { count: 5_000, latencyMs: 200 });
      await before.stop();
      expect((await found(model)).calls).toBeLessThanOrEqual(MOST_WEIGHT);
      const after = start();
      for (let round = 0; round < 3; round++) {
        see(after, model, { count: 300, outcome: FAILED_CHECK, latencyMs: 3_000 });
        await suite.pass(1_100);
      }
      await after.stop();
      const { passRate, p50Ms, calls } = await found(model);
      expect(passRate).toBeLessThan(0.4);
      expect(p50Ms).toBeGreaterThan(2_000);
      expect(calls).toBeLessThanOrEqual(MOST_WEIGHT + 0.01);
    });

    it("forget with time, so that an old outage doesn't keep a model back", async () => {
      const { provider, start, found, model } = fresh();
      const bad = start();
      see(bad, model, { count: 200, outcome: TIMED_OUT });
      await bad.stop();
      expect((await found(model)).answerRate).toBe(0);
      await suite.age(provider, 4 * HALF_LIFE_MS);
      expect((await found(model)).calls).toBeCloseTo(200 / 16, 0);
      const good = start();
      see(good, model, { count: 50 });
      await good.stop();
      const { calls, answerRate } = await found(model);
      expect(calls).toBeCloseTo(50 + (200 / 16) * 0.9, 0);
      expect(answerRate).toBeGreaterThan(0.8);
    });

    it("hand in the rest when they are stopped, and take no more", async () => {
      const { start, found, model } = fresh();
      const stats = start();
      see(stats, model, { count: 7 });
      await Promise.all([stats.stop(), stats.stop()]);
      see(stats, model, { count: 7 });
      expect((await found(model)).calls).toBeCloseTo(7, 1);
    });

    it("keep nothing of tasks and models that aren't configured, nor of calls that say nothing of the model", async () => {
      const { provider, start, model } = fresh();
      const stats = start();
      see(stats, model, { task: "foreign" });
      see(stats, "nobody/nothing");
      see(stats, model, { outcome: { kind: "cancelled", reason: "batch" } });
      see(stats, model, { outcome: { kind: "throttled", waitMs: 10, source: "vendor", reason: "429" } });
      see(stats, model, { outcome: { kind: "unfit", cause: "context", reason: "too long" } });
      await stats.stop();
      expect([...(await suite.open(provider).read()).keys()]).toEqual([]);
    });

    it("take whatever a vendor says", async () => {
      const { start, found, model } = fresh();
      const stats = start();
      const odd = { latencyMs: Number.NaN, usage: { inputTokens: -1, outputTokens: Number.POSITIVE_INFINITY }, costNanoUsd: Number.NaN };
      stats.add("sort", model, { outcome: ANSWERED, ...odd });
      see(stats, model, { latencyMs: 1e12 });
      await stats.stop();
      const { p50Ms, p95Ms, outputTokens, costNanoUsd } = await found(model);
      for (const value of [p50Ms, p95Ms, outputTokens, costNanoUsd]) expect(Number.isFinite(value)).toBe(true);
    });
  });
}
