// What every token learner must do, whatever keeps the fleet's lessons.

import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { modelId, type ModelId } from "../../src/job/names.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { LessonBook } from "../../src/prompt/lesson-book.ts";
import type { TokenEstimate } from "../../src/prompt/token-estimate.ts";
import { createTokenLearner, type TokenLearner } from "../../src/prompt/token-learner.ts";
import type { Clock } from "../../src/runtime/clock.ts";

export interface LessonSuite {
  /** A provider's book, opened by one more process: the same provider, the same lessons. */
  open(provider: string): LessonBook;
  readonly clock: Clock;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
}

export const ESTIMATE: TokenEstimate = { inputTokens: 1_000, inputCharacters: 4_000, outputTokens: 256 };

/** `count` whole answers of the same size. */
export function teach(
  learner: TokenLearner,
  model: ModelId,
  { count = 1, inputTokens = 1_000, outputTokens = 256, isWhole = true, task = "sort" } = {},
): void {
  const usage = { ...NO_USAGE, inputTokens, outputTokens };
  for (let i = 0; i < count; i++) learner.learn({ task, model, estimate: ESTIMATE, usage, isWhole });
}

export function lessonContract(where: string, suite: LessonSuite): void {
  const started: TokenLearner[] = [];

  /** Fresh names each time: the suites may share a server. */
  const fresh = () => {
    const provider = `p${randomBytes(6).toString("hex")}`;
    const models = [modelId(provider, "large"), modelId(provider, "small")];
    const start = () => {
      const learner = createTokenLearner({ book: suite.open(provider), tasks: ["sort", "count"], models, clock: suite.clock });
      started.push(learner);
      return learner;
    };
    return { provider, start, model: models[0]!, other: models[1]! };
  };

  /** Lets time go by until it is so. */
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await suite.pass(20);
  };

  describe(`a token learner with its lessons ${where}`, () => {
    afterEach(async () => {
      await Promise.all(started.splice(0).map((learner) => learner.stop()));
    });

    it("begins with the estimate", () => {
      const { start, model } = fresh();
      expect(start().correct("sort", model, ESTIMATE)).toMatchObject(ESTIMATE);
    });

    it("learns how the vendor counts the input, of that task and model and no other", () => {
      const { start, model, other } = fresh();
      const learner = start();
      teach(learner, model, { count: 100, inputTokens: 1_300 });
      expect(learner.correct("sort", model, { ...ESTIMATE, inputTokens: 500 }).inputTokens).toBeGreaterThan(640);
      expect(learner.correct("sort", model, ESTIMATE)).toMatchObject({ inputCharacters: 4_000, outputTokens: 256 });
      expect(learner.correct("sort", other, ESTIMATE).inputTokens).toBe(1_000);
      expect(learner.correct("count", model, ESTIMATE).inputTokens).toBe(1_000);
    });

    it("learns how long answers are, and isn't swung by a single odd one", () => {
      const { start, model } = fresh();
      const learner = start();
      teach(learner, model, { outputTokens: 2_560 });
      expect(learner.correct("sort", model, ESTIMATE).outputTokens).toBeLessThan(500);
      teach(learner, model, { count: 300, outputTokens: 40 });
      expect(learner.correct("sort", model, ESTIMATE).outputTokens).toBeLessThan(60);
      expect(learner.correct("sort", model, { ...ESTIMATE, maxOutputTokens: 30 })).toMatchObject({
        outputTokens: 30,
        likelyOutputTokens: 30,
      });
    });

    it("takes answers to be as long as the first few were, where nothing depends on being careful", () => {
      const { start, model } = fresh();
      const learner = start();
      expect(learner.correct("sort", model, ESTIMATE).likelyOutputTokens).toBe(256);
      for (const outputTokens of [10, 14, 12, 16, 8]) teach(learner, model, { outputTokens });
      const { outputTokens, likelyOutputTokens } = learner.correct("sort", model, ESTIMATE);
      expect(likelyOutputTokens).toBeGreaterThanOrEqual(12);
      expect(likelyOutputTokens).toBeLessThan(3 * 12);
      expect(outputTokens).toBeGreaterThan(likelyOutputTokens);
    });

    it("tells what it learned to the other processes, and to those that start later", async () => {
      const { start, model } = fresh();
      const [teacher, pupil] = [start(), start()];
      teach(pupil, model);
      teach(teacher, model, { count: 100, inputTokens: 2_000, outputTokens: 10 });
      await suite.pass(1_500);
      // A process hears of the others when it hands in something of its own.
      teach(pupil, model);
      await until(() => pupil.correct("sort", model, ESTIMATE).inputTokens > 1_900);
      const newcomer = start();
      await until(() => newcomer.correct("sort", model, ESTIMATE).inputTokens > 1_900);
      expect(newcomer.correct("sort", model, ESTIMATE).outputTokens).toBeLessThan(60);
    });

    it("hands in the rest when it stops, and learns no more", async () => {
      const { provider, start, model } = fresh();
      const learner = start();
      teach(learner, model, { count: 7 });
      await Promise.all([learner.stop(), learner.stop()]);
      teach(learner, model);
      const lessons = await suite.open(provider).read();
      expect(lessons.get(`sort|${model}`)?.calls).toBeCloseTo(7, 0);
    });

    it("follows change", async () => {
      const { provider, start, model } = fresh();
      const learner = start();
      teach(learner, model, { count: 3_000, inputTokens: 2_000, outputTokens: 500 });
      await suite.pass(1_100);
      teach(learner, model, { count: 2_000, inputTokens: 1_000, outputTokens: 50 });
      await learner.stop();
      const newcomer = start();
      await until(() => newcomer.correct("sort", model, ESTIMATE).outputTokens < 200);
      expect(newcomer.correct("sort", model, ESTIMATE).inputTokens).toBeLessThan(1_100);
      expect((await suite.open(provider).read()).get(`sort|${model}`)?.calls).toBeLessThanOrEqual(500);
    });

    it("keeps nothing of tasks and models that aren't configured", async () => {
      const { provider, start, model } = fresh();
      const learner = start();
      teach(learner, model, { task: "foreign", inputTokens: 2_000 });
      teach(learner, "nobody/nothing", { inputTokens: 2_000 });
      teach(learner, model);
      await learner.stop();
      expect([...(await suite.open(provider).read()).keys()]).toEqual([`sort|${model}`]);
      expect(learner.correct("foreign", model, ESTIMATE)).toMatchObject(ESTIMATE);
    });

    it("learns nothing of the output from an answer that was cut off", () => {
      const { start, model } = fresh();
      const learner = start();
      teach(learner, model, { count: 50, inputTokens: 2_000, outputTokens: 5, isWhole: false });
      const { inputTokens, outputTokens } = learner.correct("sort", model, ESTIMATE);
      expect(inputTokens).toBeGreaterThan(1_900);
      expect(outputTokens).toBe(256);
    });
  });
}
