import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_USAGE } from "../../src/job/usage.ts";
import { expectTokens, foldLessons, lessonOf, NO_LESSONS, type LessonSums } from "../../src/prompt/lesson-sums.ts";
import { createMemoryLessonBook } from "../../src/prompt/memory-lesson-book.ts";
import type { TokenEstimate } from "../../src/prompt/token-estimate.ts";
import { createTokenLearner } from "../../src/prompt/token-learner.ts";
import { createManualClock } from "../support/manual-clock.ts";

const tokens = fc.integer({ min: 1, max: 1_000_000 });
const estimates: fc.Arbitrary<TokenEstimate> = fc
  .record({ inputTokens: tokens, outputTokens: tokens, limit: fc.option(tokens, { nil: undefined }) })
  .map(({ inputTokens, outputTokens, limit }) => ({
    inputTokens,
    inputCharacters: inputTokens * 4,
    outputTokens: Math.min(outputTokens, limit ?? outputTokens),
    ...(limit === undefined ? {} : { maxOutputTokens: limit }),
  }));
/** What vendors say, and what they would never say. */
const told = fc.oneof(tokens, fc.constantFrom(0, -1, NaN, Infinity, 1e300));
const calls = fc.array(fc.record({ estimate: estimates, inputTokens: told, outputTokens: told, isWhole: fc.boolean() }), { maxLength: 60 });

const sumsOf = (lessons: readonly (LessonSums | undefined)[]) =>
  lessons.reduce<LessonSums>((sums, lesson) => (lesson ? foldLessons(sums, lesson) : sums), NO_LESSONS);

describe("what calls teach", () => {
  it("leaves every estimate a number of tokens, its factor in bounds, its output within the limit", () => {
    fc.assert(
      fc.property(calls, estimates, (calls, next) => {
        const learner = createTokenLearner({ book: createMemoryLessonBook(), tasks: ["t"], models: ["p/m"], clock: createManualClock() });
        for (const { estimate, inputTokens, outputTokens, isWhole } of calls)
          learner.learn({ task: "t", model: "p/m", estimate, usage: { ...NO_USAGE, inputTokens, outputTokens }, isWhole });
        const corrected = learner.correct("t", "p/m", next);
        for (const count of [corrected.inputTokens, corrected.outputTokens, corrected.likelyOutputTokens])
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        expect(corrected.inputTokens).toBeGreaterThanOrEqual(Math.floor(next.inputTokens / 2));
        expect(corrected.inputTokens).toBeLessThanOrEqual(Math.ceil(next.inputTokens * 3));
        for (const count of [corrected.outputTokens, corrected.likelyOutputTokens])
          expect(count).toBeLessThanOrEqual(next.maxOutputTokens ?? Infinity);
      }),
    );
  });

  it("raises what is expected when answers are longer, and when inputs are counted higher", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.6, max: 1.4, noNaN: true }),
        fc.integer({ min: 1, max: 100_000 }),
        (count, factor, expected) => {
          const usage = { ...NO_USAGE, inputTokens: Math.round(10_000 * factor), outputTokens: Math.round(expected * factor) };
          const estimate = { inputTokens: 10_000, inputCharacters: 40_000, outputTokens: expected };
          const lessons = Array.from({ length: count }, () => lessonOf(estimate, usage, { isWhole: true }));
          const longer = { ...usage, inputTokens: usage.inputTokens * 2, outputTokens: usage.outputTokens + expected };
          const before = expectTokens(sumsOf(lessons), expected);
          const after = expectTokens(sumsOf([...lessons, lessonOf(estimate, longer, { isWhole: true })]), expected);
          expect(after.inputFactor).toBeGreaterThan(before.inputFactor);
          expect(after.outputTokens).toBeGreaterThan(before.outputTokens);
        },
      ),
    );
  });

  it("is the same in whatever portions it is handed in", () => {
    fc.assert(
      fc.property(calls, fc.nat(), (calls, at) => {
        const lessons = calls.map((call) => lessonOf(call.estimate, { ...NO_USAGE, ...call }, call));
        const cut = calls.length === 0 ? 0 : at % calls.length;
        const inPortions = foldLessons(sumsOf(lessons.slice(0, cut)), sumsOf(lessons.slice(cut)));
        const [a, b] = [sumsOf(lessons), inPortions].map((sums) => Object.values(sums));
        a!.forEach((value, i) => expect(Math.abs(b![i] - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, value)));
      }),
    );
  });

  it("weighs prompts by their size", () => {
    const lesson = (estimated: number, inputTokens: number) =>
      lessonOf({ inputTokens: estimated, inputCharacters: 0, outputTokens: 1 }, { ...NO_USAGE, inputTokens }, { isWhole: true });
    const sums = sumsOf(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? lesson(10, 20) : lesson(10_000, 11_000))));
    expect(expectTokens(sums, 1).inputFactor).toBeCloseTo(1.1, 1);
  });

  it("knows how far counts scatter: nearly none is above the high factor, and an even vendor's is near the factor itself", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.15, noNaN: true }),
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 200, maxLength: 300 }),
        (width, noise) => {
          const counts = noise.map((each) => Math.round(10_000 * (1.1 + width * each)));
          const lessons = counts.map((inputTokens) =>
            lessonOf({ inputTokens: 10_000, inputCharacters: 0, outputTokens: 1 }, { ...NO_USAGE, inputTokens }, { isWhole: true }),
          );
          const { inputFactor, highInputFactor } = expectTokens(sumsOf(lessons), 1);
          const above = counts.filter((count) => count > 10_000 * highInputFactor).length;
          expect(above).toBeLessThanOrEqual(counts.length * 0.11); // whatever the distribution: Chebyshev's inequality
          expect(highInputFactor - inputFactor).toBeLessThanOrEqual(3 * width + 0.05);
        },
      ),
    );
  });

  it("is nothing where the vendor told no usage", () => {
    expect(lessonOf({ inputTokens: 10, inputCharacters: 0, outputTokens: 1 }, NO_USAGE, { isWhole: true })).toBeUndefined();
  });
});
