import { describe, expect, it } from "vitest";
import { isSeen, knowOutput } from "../../src/plan/know-output.ts";
import type { Asked, Sources } from "../../src/plan/sources.ts";
import type { Trials } from "../../src/plan/trials.ts";
import type { JsonSchema } from "../../src/job/json.ts";
import type { ModelId } from "../../src/job/names.ts";
import { addFormerRows, countRow, newFormerRows, type FormerRows } from "../../src/plan/former-rows.ts";
import type { CallTally } from "../../src/plan/step-sums.ts";
import { foldLessons } from "../../src/prompt/lesson-sums.ts";
import { NO_STATS, type ModelStats } from "../../src/routing/model-stats.ts";
import { answered, trailEntry } from "../results/sample-results.ts";
import { modelSpec, taskSpec } from "../routing/specs.ts";
import { rowTrail, said, usage } from "./row-trail.ts";
import { callTally, lessonSums, seenStep, sourcesOf, stepTally, times } from "./plan-specs.ts";

const TASK = "classify";

/** The model's answers that are asked about; `calls`: those of rows that came by the same way. */
function asked(id: ModelId, calls?: CallTally, changes: Partial<Asked> = {}): Asked {
  return { id, subject: TASK, calls, ...changes };
}

function answers(count: number, outputTokens: number): CallTally {
  return callTally(times(count, () => ({ outputTokens })));
}

/** Former rows that the model answered at first. */
function formerRows(count: number, model: ModelId, outputTokens: number): FormerRows {
  const former = newFormerRows();
  for (const row of times(count, (i) => i)) {
    countRow(former, answered(row, { model, trail: rowTrail(row, [said(model, { usage: usage(100, outputTokens) })]) }));
  }
  return former;
}

/** What the fleet has learned of the model: lessons, and statistics of late where there are any. */
function learned(id: ModelId, calls: number, outputTokens: number, late?: number) {
  const lessons = new Map([[`${TASK}|${id}`, lessonSums(calls, { outputTokens })]]);
  const stats = late === undefined ? [] : [[`${TASK}|${id}`, { ...NO_STATS, calls, outputTokens: late }] as const];
  return { lessons, stats: new Map(stats) };
}

const expectedOf = (sources: Sources, of: Asked, inputTokens = 100) => knowOutput(sources, of, inputTokens).expected;

describe("how long answers are expected to be", () => {
  it("is the mean of ten or more answers to rows that came by the same way, whatever else is known", () => {
    const sources = sourcesOf({ former: formerRows(200, "a/1", 70), learned: learned("a/1", 400, 90) });
    expect(expectedOf(sources, asked("a/1", answers(10, 30)))).toBeCloseTo(30);
    expect(sources.assumptions()).toEqual([]);
  });

  it("else of what has seen most answers of the model: the same way, any way, or lessons", () => {
    const few = asked("a/1", answers(9, 30));
    expect(expectedOf(sourcesOf({ former: formerRows(50, "a/1", 70), learned: learned("a/1", 20, 90) }), few)).toBeCloseTo(70);
    expect(expectedOf(sourcesOf({ former: formerRows(6, "a/1", 70), learned: learned("a/1", 20, 90) }), few)).toBeCloseTo(90);
    expect(expectedOf(sourcesOf({ former: formerRows(6, "a/1", 70), learned: learned("a/1", 6, 90) }), few)).toBeCloseTo(30);
    expect(expectedOf(sourcesOf(), asked("a/1", answers(5, 30)))).toBeCloseTo(30);
  });

  it("of lessons goes by the mean of late, where enough is left of it", () => {
    const late = (calls: number) => expectedOf(sourcesOf({ learned: learned("a/1", calls, 90, 60) }), asked("a/1"));
    expect(late(50)).toBeCloseTo(60);
    const faded = learned("a/1", 50, 90, 60);
    const left = (changes: Partial<ModelStats>) => {
      const stats = new Map(Array.from(faded.stats, ([subject, known]) => [subject, { ...known, ...changes }]));
      return expectedOf(sourcesOf({ learned: { ...faded, stats } }), asked("a/1"));
    };
    expect(left({ calls: 2 })).toBeCloseTo(90);
    expect(left({ calls: 8, answerRate: 0.5 })).toBeCloseTo(90);
    expect(left({ calls: 12, answerRate: 0.5 })).toBeCloseTo(60);
  });

  it("of lessons is the less sure the more they differ", () => {
    const width = (lengths: readonly number[]) => {
      const lessons = lengths.map((outputTokens) => lessonSums(50, { outputTokens })).reduce(foldLessons);
      const { low, expected, high } = knowOutput(
        sourcesOf({ learned: { lessons: new Map([[`${TASK}|a/1`, lessons]]), stats: new Map() } }),
        asked("a/1"),
        100,
      );
      expect(expected).toBeGreaterThan(40);
      expect(expected).toBeLessThan(60);
      return high - low;
    };
    expect(width([20, 80])).toBeGreaterThan(2 * width([49, 51]));
  });

  it("of no answers seen is that of the task's other models, in a range of three times more or less, and is told", () => {
    const sources = sourcesOf({ former: formerRows(50, "b/2", 40) });
    const known = knowOutput(sources, asked("a/1"), 100);
    expect(known).toMatchObject({ expected: 40, high: 120, isAssumed: true });
    expect(known.low).toBeCloseTo(13.2);
    expect(sources.assumptions()).toEqual(["the answers of a/1 were never seen"]);
    expect(isSeen(sources, asked("a/1"))).toBe(false);
    expect(isSeen(sources, asked("b/2"))).toBe(true);
    const three = new Map((["a/1", "b/2", "c/3"] as const).map((id) => [id, modelSpec(id)]));
    const two = newFormerRows();
    for (const each of [formerRows(50, "b/2", 40), formerRows(10, "c/3", 100)]) addFormerRows(two, each);
    expect(expectedOf(sourcesOf({ models: three, former: two }), asked("a/1"))).toBeCloseTo(70);
  });

  it("of no model seen reaches from the fewest tokens that its schema takes to the longest that it may be", () => {
    const output = (properties: number): JsonSchema => {
      const names = times(properties, (i) => `p${i}`);
      return { type: "object", required: names, properties: Object.fromEntries(names.map((name) => [name, {}])) };
    };
    const known = (properties: number, maxOutputTokens?: number) => {
      const sources = sourcesOf({ task: taskSpec({ output: output(properties) }), output: { outputTokens: 60, maxOutputTokens } });
      return knowOutput(sources, asked("a/1"), 100);
    };
    expect(known(1)).toMatchObject({ expected: 60, high: 2_048, isAssumed: true });
    expect(known(1, 100).high).toBe(100);
    expect(known(1).low).toBeLessThan(known(5).low);
    expect(known(1).low).toBeGreaterThan(0);
    const short = new Map([["a/1", modelSpec("a/1", { maxOutputTokens: 50 })]] as const);
    expect(knowOutput(sourcesOf({ models: short }), asked("a/1"), 100)).toMatchObject({ expected: 50, high: 50 });
  });

  it("of a judge that was never seen is that of a verdict, not of an answer", () => {
    const sources = sourcesOf({ former: formerRows(50, "a/1", 900) });
    const known = knowOutput(sources, asked("b/2", undefined, { subject: `${TASK}~judge` }), 0);
    expect(known.isAssumed).toBe(true);
    expect(known.high).toBeLessThan(900);
  });
});

describe("how long answers are to rows that are longer than those seen", () => {
  const grown = callTally(times(100, (i) => ({ inputTokens: 50 + i, outputTokens: 10 + (50 + i) / 2 })));

  it("goes by how they grew with the rows", () => {
    // The rows seen have 99.5 tokens, their answers 59.75.
    expect(expectedOf(sourcesOf(), asked("a/1", grown), 99.5)).toBeCloseTo(59.75);
    expect(expectedOf(sourcesOf(), asked("a/1", grown), 199)).toBeCloseTo(59.75 + 99.5 / 2);
    expect(expectedOf(sourcesOf(), asked("a/1", grown), 49.75)).toBeCloseTo(59.75 - 49.75 / 2);
    // Rows that are hardly longer are as long.
    expect(expectedOf(sourcesOf(), asked("a/1", grown), 1.04 * 99.5)).toBeCloseTo(59.75);
    expect(expectedOf(sourcesOf(), asked("a/1", grown), 1.06 * 99.5)).toBeCloseTo(59.75 + (0.06 * 99.5) / 2);
  });

  it("never goes beyond three times what was seen", () => {
    expect(expectedOf(sourcesOf(), asked("a/1", grown), 10_000)).toBeCloseTo(3 * 59.75);
  });

  it("stays the same where they did not grow, and is less sure", () => {
    const even = callTally(times(100, (i) => ({ inputTokens: 50 + i, outputTokens: 20 + (i % 2) })));
    const width = (inputTokens: number) => {
      const { low, expected, high } = knowOutput(sourcesOf(), asked("a/1", even), inputTokens);
      expect(expected).toBeCloseTo(20.5);
      return high - low;
    };
    expect(width(300)).toBeGreaterThan(2 * width(99.5));
  });

  it("is surest where the answers seen are those of some of the file's own rows", () => {
    const width = (isWithin: boolean) => {
      const seen = seenStep(stepTally(100, 100), { isWithin });
      const { low, high } = knowOutput(sourcesOf(), asked("a/1", answers(100, 30), { seen }), 100);
      return high - low;
    };
    expect(width(true)).toBeLessThan(width(false));
  });

  it("is that of the file's own rows, be they few, rather than what other files have taught", () => {
    const call = (outputTokens: number) => trailEntry({ model: "a/1", usage: usage(100, outputTokens) });
    const sample = (rows: number): Trials => ({
      rows: times(rows, () => new Map([["a/1", { call: call(800), repairs: [], judged: [] }]] as const)),
      at: 0,
      isWithin: true,
    });
    const known = (rows: number) => knowOutput(sourcesOf({ trials: sample(rows), learned: learned("a/1", 500, 205) }), asked("a/1"), 100);
    expect(known(5).expected).toBeCloseTo(800);
    // Of fewer nobody knows how much they differ.
    expect(known(4).expected).toBeCloseTo(205);
  });

  it("is not made surer by a sample that says nothing", () => {
    const known = (isWithin: boolean) => {
      const seen = seenStep(stepTally(0, 0), { isWithin });
      return knowOutput(sourcesOf({ learned: learned("a/1", 500, 205) }), asked("a/1", answers(4, 800), { seen }), 100);
    };
    expect(known(true)).toEqual(known(false));
  });
});
