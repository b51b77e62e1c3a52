import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { countSlope, meanInput, meanOutput, outputSlope, partsOf } from "../../src/plan/call-means.ts";
import {
  addCalls,
  addSteps,
  callsOf,
  countCall,
  countJudgements,
  isAnswer,
  isFirst,
  newCallTally,
  newStepTally,
  stepKey,
  wayKey,
  type CallTally,
} from "../../src/plan/step-sums.ts";
import { trailEntry } from "../results/sample-results.ts";
import { usage } from "./row-trail.ts";

type Call = Parameters<typeof countCall>[1];

function tallyOf(calls: readonly Call[]): CallTally {
  const tally = newCallTally();
  for (const call of calls) countCall(tally, call);
  return tally;
}

function call(inputTokens: number, outputTokens: number, changes: Partial<Call> = {}): Call {
  return { outcome: "answered", usage: usage(inputTokens, outputTokens), latencyMs: 250, ...changes };
}

const calls = fc.array(
  fc.record({
    outcome: fc.constantFrom<TrailEntry["outcome"]>("answered", "unfit", "refused", "transient", "throttled", "uncertain"),
    usage: fc.tuple(fc.nat(5_000), fc.nat(2_000)).map(([input, output]) => ({
      ...usage(input, output),
      cachedInputTokens: input >> 1,
      cacheWriteTokens: input >> 2,
      reasoningTokens: output >> 1,
    })),
    latencyMs: fc.nat(60_000),
    estimatedInputTokens: fc.option(fc.nat(5_000), { nil: undefined }),
  }),
  { maxLength: 60 },
) as fc.Arbitrary<readonly Call[]>;

describe("a step's name", () => {
  it("is who is asked in it, in any order; a way's is that of its steps, in theirs", () => {
    expect(stepKey({ models: ["b/1", "a/1"] })).toBe(stepKey({ models: ["a/1", "b/1"] }));
    expect(stepKey({ models: ["a/1"] })).not.toBe(stepKey({ models: ["a/1", "b/1"] }));
    expect(wayKey([{ models: ["a/1"] }, { models: ["b/1"] }])).not.toBe(wayKey([{ models: ["b/1"] }, { models: ["a/1"] }]));
    expect(wayKey([{ models: ["a/1"] }, { models: ["b/1"] }])).not.toBe(wayKey([{ models: ["a/1", "b/1"] }]));
  });

  it("tells whether a way is at its first step", () => {
    expect(isFirst(wayKey([{ models: ["a/1", "b/1"] }]))).toBe(true);
    expect(isFirst(wayKey([{ models: ["a/1"] }, { models: ["b/1"] }]))).toBe(false);
  });
});

describe("a call", () => {
  it("is an answer when it is the vendor's last word, whether it was of use, and paid, or not", () => {
    for (const outcome of ["answered", "unfit", "refused"] as const) expect(isAnswer({ outcome })).toBe(true);
    for (const outcome of ["transient", "throttled", "unavailable", "invalid", "expired", "cancelled", "uncertain"] as const)
      expect(isAnswer({ outcome })).toBe(false);
  });

  it("counts as made when it failed, and not when it was throttled or broken off by us", () => {
    const tally = tallyOf([
      call(100, 20),
      call(0, 0, { outcome: "transient" }),
      call(0, 0, { outcome: "unavailable" }),
      call(120, 30, { outcome: "uncertain" }),
      call(0, 0, { outcome: "throttled" }),
      call(0, 0, { outcome: "expired" }),
      call(0, 0, { outcome: "cancelled" }),
    ]);
    expect(tally).toMatchObject({ requests: 4, answers: 1, inputTokens: 100, outputTokens: 20, latenciesMs: [250] });
  });

  it("has its tokens in the sums, and their means and scatter come of those", () => {
    const tally = tallyOf([call(100, 10), call(200, 10), call(300, 40, { outcome: "unfit" })]);
    expect(meanInput(tally)).toEqual({ mean: 200, scatter: expect.closeTo(Math.sqrt(20_000 / 3), 9) });
    expect(meanOutput(tally)).toEqual({ mean: 20, scatter: expect.closeTo(Math.sqrt(200), 9) });
    expect(tally.products).toBe(100 * 10 + 200 * 10 + 300 * 40);
    expect(meanInput(newCallTally())).toEqual({ mean: 0, scatter: 0 });
  });

  it("has its parts that are priced by themselves, as shares of the input and of the output", () => {
    const parted = { ...usage(400, 100), cachedInputTokens: 100, cacheWriteTokens: 40, reasoningTokens: 80 };
    const tally = tallyOf([call(600, 100), call(0, 0, { usage: parted }), call(0, 0, { outcome: "transient", usage: parted })]);
    expect(partsOf(tally)).toEqual({ cached: 0.1, written: 0.04, reasoning: 0.4 });
    expect(partsOf(newCallTally())).toEqual({ cached: 0, written: 0, reasoning: 0 });
  });

  it("has both counts of its input where it was estimated and answered", () => {
    const tally = tallyOf([
      call(110, 10, { estimatedInputTokens: 100 }),
      call(200, 10),
      call(0, 0, { outcome: "transient", estimatedInputTokens: 100 }),
      call(330, 10, { estimatedInputTokens: 300 }),
    ]);
    expect(tally.counts).toEqual({
      calls: 2,
      ours: 400,
      oursSquares: 100_000,
      theirs: 440,
      theirsSquares: 110 ** 2 + 330 ** 2,
      products: 110 * 100 + 330 * 300,
    });
  });
});

describe("times of very many calls", () => {
  const slowThenFast = [...Array.from({ length: 6_000 }, () => 900), ...Array.from({ length: 2_000 }, () => 100)];
  const slowShare = ({ latenciesMs }: CallTally) => latenciesMs.filter((latencyMs) => latencyMs === 900).length / latenciesMs.length;

  it("are not all kept", () => {
    expect(tallyOf(slowThenFast.map((latencyMs) => call(1, 1, { latencyMs }))).latenciesMs.length).toBeLessThan(2_000);
  });

  it("are kept evenly of all of them: a run that was slow at first was slow", () => {
    const tally = tallyOf(slowThenFast.map((latencyMs) => call(1, 1, { latencyMs })));
    expect(Math.abs(slowShare(tally) - 0.75)).toBeLessThan(0.1);
  });

  it("are kept evenly where sums are added up: of two runs as long, both are heard", () => {
    const slow = tallyOf(Array.from({ length: 2_000 }, () => call(1, 1, { latencyMs: 900 })));
    addCalls(slow, tallyOf(Array.from({ length: 2_000 }, () => call(1, 1, { latencyMs: 100 }))));
    expect(Math.abs(slowShare(slow) - 0.5)).toBeLessThan(0.1);
  });
});

describe("times of a long run and of a short one", () => {
  const runOf = (answers: number, latencyMs: number) => tallyOf(Array.from({ length: answers }, () => call(1, 1, { latencyMs })));
  const shareOf = ({ latenciesMs }: CallTally, of: number) =>
    latenciesMs.filter((latencyMs) => latencyMs === of).length / latenciesMs.length;

  it.each([
    ["added to a short one", 500, 4_000],
    ["to which a short one is added", 4_000, 500],
  ])("count by their calls: a long one %s", (_, first, second) => {
    const sum = runOf(first, 900);
    addCalls(sum, runOf(second, 100));
    expect(Math.abs(shareOf(sum, 900) - first / (first + second))).toBeLessThan(0.03);
    // And whatever comes then.
    addCalls(sum, runOf(4_500, 5_000));
    expect(Math.abs(shareOf(sum, 5_000) - 0.5)).toBeLessThan(0.05);
  });
});

describe("judgements", () => {
  const judged = (reason: string | undefined, changes: Partial<TrailEntry> = {}) =>
    trailEntry({ model: "j/1", purpose: "judge", ...(reason === undefined ? {} : { reason }), ...changes });

  it("are counted by score, and their calls by who judged", () => {
    const tally = newStepTally();
    countJudgements(tally, [
      judged("7 of 10: fair"),
      judged("10 of 10: 3 of 10: nothing to improve"),
      judged("0 of 10: useless", { model: "j/2" }),
      judged("7 of 10: fair"),
    ]);
    expect(tally.scores).toEqual([1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1]);
    expect(tally.judges.get("j/1")).toMatchObject({ requests: 3, answers: 3 });
    expect(tally.judges.get("j/2")).toMatchObject({ requests: 1, answers: 1 });
  });

  it("that could not be read were paid, and say nothing", () => {
    const tally = newStepTally();
    countJudgements(tally, [
      judged("the judge gave no verdict: 7 of 10: fair", { outcome: "unfit" }),
      judged("9 of 10: cut off", { outcome: "uncertain" }),
      judged("11 of 10: never seen"),
      judged("better than 9 of 10: never seen either"),
      judged(undefined),
    ]);
    expect(tally.scores.every((count) => count === 0)).toBe(true);
    expect(tally.judges.get("j/1")).toMatchObject({ requests: 5, answers: 4 });
  });
});

describe("sums", () => {
  it("of calls add up in whatever portions they come", () => {
    fc.assert(
      fc.property(fc.array(calls, { maxLength: 6 }), (portions) => {
        const sum = newCallTally();
        for (const portion of portions) addCalls(sum, tallyOf(portion));
        expect(sum).toEqual(tallyOf(portions.flat()));
      }),
    );
  });

  it("of steps add up, model by model, and leave what was added as it was", () => {
    const models: readonly ModelId[] = ["a/1", "b/1"];
    const filled = (rows: number, each: readonly Call[]) => {
      const tally = newStepTally();
      for (const key of ["rows", "answered", "done", "repaired", "repairDone", "ended", "firstInputTokens"] as const) tally[key] += rows;
      tally.scores[rows % 11]! += rows;
      for (const [i, made] of each.entries()) {
        countCall(callsOf(tally.models, models[i % 2]!), made);
        countCall(tally.repairs, made);
        countJudgements(tally, [trailEntry({ ...made, model: models[(i + 1) % 2]!, purpose: "judge", reason: "8 of 10: good" })]);
      }
      return tally;
    };
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), calls), { minLength: 1, maxLength: 4 }), (portions) => {
        const parts = portions.map(([rows, each]) => filled(rows, each));
        const copies = structuredClone(parts);
        const sum = newStepTally();
        for (const part of parts) addSteps(sum, part);
        expect(parts).toEqual(copies);
        for (const key of ["rows", "answered", "done", "repaired", "repairDone", "ended", "firstInputTokens"] as const)
          expect(sum[key]).toBe(portions.reduce((total, [rows]) => total + rows, 0));
        for (const score of sum.scores.keys())
          expect(sum.scores[score]).toBe(parts.reduce((total, { scores }) => total + scores[score]!, 0));
        for (const model of models) {
          const expected = newCallTally();
          for (const part of parts) addCalls(expected, part.models.get(model) ?? newCallTally());
          expect(sum.models.get(model) ?? newCallTally()).toEqual(expected);
          const judged = newCallTally();
          for (const part of parts) addCalls(judged, part.judges.get(model) ?? newCallTally());
          expect(sum.judges.get(model) ?? newCallTally()).toEqual(judged);
        }
        expect(sum.repairs).toEqual(tallyOf(portions.flatMap(([, each]) => each)));
      }),
      { numRuns: 30 },
    );
  });

  it("are the same tally for the same model", () => {
    const tallies = new Map<ModelId, CallTally>();
    countCall(callsOf(tallies, "a/1"), call(100, 20));
    countCall(callsOf(tallies, "a/1"), call(100, 20));
    expect([tallies.size, tallies.get("a/1")?.answers]).toEqual([1, 2]);
  });
});

describe("whether answers grow with their rows", () => {
  /** Noise that has nothing to do with the input. */
  const noise = (i: number) => 20 * Math.sin(i * 2.399);

  it("is the slope by least squares, where that is clear", () => {
    const inputs = Array.from({ length: 200 }, (_, i) => 100 + 37 * (i % 23));
    expect(outputSlope(tallyOf(inputs.map((input) => call(input, 30 + 0.5 * input))))).toBeCloseTo(0.5, 9);
    const noisy = inputs.map((input, i) => call(input, 100 + 0.5 * input + noise(i)));
    expect(Math.abs(outputSlope(tallyOf(noisy)) - 0.5)).toBeLessThan(0.03);
  });

  it("is no where they don't, or shrink, or all are the same, or few were seen", () => {
    const inputs = Array.from({ length: 200 }, (_, i) => 100 + 37 * (i % 23));
    expect(outputSlope(tallyOf(inputs.map((input, i) => call(input, 100 + noise(i)))))).toBe(0);
    expect(outputSlope(tallyOf(inputs.map((input) => call(input, 2_000 - input))))).toBe(0);
    expect(outputSlope(tallyOf(inputs.map((input) => call(input, 100))))).toBe(0);
    expect(outputSlope(tallyOf(inputs.map((_, i) => call(500, 100 + noise(i)))))).toBe(0);
    expect(outputSlope(tallyOf(inputs.slice(0, 20).map((input) => call(input, input))))).toBe(0);
    expect(outputSlope(newCallTally())).toBe(0);
  });
});

describe("how a vendor's count goes with ours", () => {
  const counted = (rows: number, theirs: (ours: number, i: number) => number) =>
    tallyOf(
      Array.from({ length: rows }, (_, i) => {
        const estimatedInputTokens = 100 + 10 * (i % 40);
        return call(theirs(estimatedInputTokens, i), 10, { estimatedInputTokens });
      }),
    ).counts;

  it("is the slope of their tokens by ours, with its standard error", () => {
    const exact = countSlope(counted(400, (ours) => 1.2 * ours + 50));
    expect(exact?.slope).toBeCloseTo(1.2, 9);
    expect(exact?.error).toBeLessThan(1e-3);
    // ±30 by turns: the standard error of the textbook, sigma / (sqrt(n) · deviation of x).
    const noisy = countSlope(counted(400, (ours, i) => 1.2 * ours + (Math.floor(i / 40) % 2 === 0 ? 30 : -30)))!;
    expect(noisy.slope).toBeCloseTo(1.2, 6);
    const deviation = Math.sqrt((100 * (40 ** 2 - 1)) / 12);
    expect(noisy.error / (30 / (Math.sqrt(398) * deviation))).toBeCloseTo(1, 6);
  });

  it("is not known of few calls, nor of rows that are all as long", () => {
    expect(countSlope(counted(20, (ours) => ours))).toBeUndefined();
    expect(countSlope(tallyOf(Array.from({ length: 100 }, () => call(110, 10, { estimatedInputTokens: 100 }))).counts)).toBeUndefined();
  });
});
