import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRedisLessonBook } from "../../src/prompt/redis-lesson-book.ts";
import { createTokenLearner } from "../../src/prompt/token-learner.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { providerKeys } from "../../src/runtime/keys.ts";
import { ESTIMATE, lessonContract, teach } from "../contracts/lesson-contract.ts";
import { NOT_OURS, startTestRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());

const open = (provider: string) => createRedisLessonBook({ redis: server.client(), provider });
const start = (provider: string) =>
  createTokenLearner({ book: open(provider), tasks: ["sort"], models: [`${provider}/large`], clock: systemClock });

lessonContract("in Redis", { open, clock: systemClock, pass: (ms) => systemClock.sleep(ms) });

describe("a token learner with Redis away", () => {
  it("goes on with what it knows, and hands in when Redis is back", async ({ skip }) => {
    if (!server.isOurs) skip(NOT_OURS);
    const model = "outage/large";
    const learner = start("outage");
    teach(learner, model, { count: 50, inputTokens: 1_500 });
    await vi.waitFor(async () => expect((await open("outage").read()).size).toBe(1), { timeout: 10_000 });
    await server.kill();
    teach(learner, model, { count: 50, inputTokens: 1_500 });
    expect(learner.correct("sort", model, ESTIMATE).inputTokens).toBeGreaterThan(1_480);
    await server.restart();
    await vi.waitFor(async () => expect((await open("outage").read()).get(`sort|${model}`)?.calls).toBeGreaterThan(80), {
      timeout: 10_000,
    });
    await learner.stop();
  });

  it("can be stopped", async ({ skip }) => {
    const lone = await startTestRedis();
    if (!lone.isOurs) skip(NOT_OURS);
    const book = createRedisLessonBook({ redis: lone.client(), provider: "gone" });
    await lone.kill();
    const learner = createTokenLearner({ book, tasks: ["sort"], models: ["gone/large"], clock: systemClock });
    teach(learner, "gone/large");
    await learner.stop();
    expect(learner.correct("sort", "gone/large", ESTIMATE)).toMatchObject(ESTIMATE);
    await lone.stop();
  });
});

describe("lessons in Redis", () => {
  it("that can't be read are begun anew, and forgotten when nobody adds to them", async () => {
    const redis = server.client();
    const { learned } = providerKeys("odd");
    await redis.hset(learned, { "sort|odd/large": "1 2 three", "sort|odd/small": "1e300 1 1 1 1 1", "": "" });
    expect([...(await open("odd").read()).keys()]).toEqual([]);
    const learner = start("odd");
    teach(learner, "odd/large", { count: 3, inputTokens: 1_500 });
    await learner.stop();
    expect((await open("odd").read()).get("sort|odd/large")).toMatchObject({ answers: expect.closeTo(3, 1) });
    expect(await redis.ttl(learned)).toBeGreaterThan(24 * 3_600);
  });

  it("stay away where the hash is something else, without harm to a call", async () => {
    const redis = server.client();
    await redis.set(providerKeys("wrong").learned, "x");
    const learner = start("wrong");
    teach(learner, "wrong/large", { count: 20, inputTokens: 1_500 });
    await learner.stop();
    expect(learner.correct("sort", "wrong/large", ESTIMATE).inputTokens).toBeGreaterThan(1_400);
  });
});
