import { describe, expect, it } from "vitest";
import { knowInput, type InputEstimate, type InputKnowledge, type InputSeen } from "../../src/plan/know-input.ts";
import { NO_LESSONS } from "../../src/prompt/lesson-sums.ts";
import { callTally, lessonSums, times } from "./plan-specs.ts";

const NOTHING = { lessons: NO_LESSONS, counted: undefined };

/** The file's rows: 40 of each row's tokens are no text. */
function rows(mean: number, fixed = 40): InputEstimate {
  return { mean, scatter: 20, fixed, shown: mean, rows: 500 };
}

/** Both counts of so many calls; ours go from `from` up by one each. */
function seen(calls: number, from: number, theirs: (ours: number) => number, longer = 0): InputSeen {
  const { counts } = callTally(times(calls, (i) => ({ ours: from + i, inputTokens: theirs(from + i) })));
  return { counts, longer };
}

const same = (calls: number, ours: number, theirs: number): InputSeen => {
  return { counts: callTally(times(calls, () => ({ ours, inputTokens: theirs }))).counts, longer: 0 };
};

/** What the vendor is expected to count for a row. */
const meanOf = ({ inputFactor, inputMore }: InputKnowledge, mean: number) => inputFactor * mean + inputMore;
const width = ({ inputScale }: InputKnowledge) => inputScale.high - inputScale.low;

describe("the vendor's count of the input, from calls of which both counts are known", () => {
  it("goes by how it grows with ours, also for rows that are three times as long", () => {
    const known = knowInput(
      rows(400),
      seen(100, 60, (ours) => 1.25 * ours - 30),
      NOTHING,
    );
    expect(known.inputFactor).toBeCloseTo(1.25);
    expect(meanOf(known, 400)).toBeCloseTo(470);
    expect(known.isAssumed).toBeUndefined();
    expect(known.inputScale.expected).toBe(1);
  });

  it("is met exactly for rows that are as long, and is the less sure the more they differ", () => {
    const before = seen(100, 60, (ours) => 1.25 * ours - 30);
    const alike = knowInput(rows(109.5), before, NOTHING);
    expect(meanOf(alike, 109.5)).toBeCloseTo(1.25 * 109.5 - 30);
    expect(width(alike)).toBeLessThan(0.12);
    expect(width(knowInput(rows(150), before, NOTHING))).toBeGreaterThan(width(alike));
    expect(width(knowInput(rows(400), before, NOTHING))).toBeGreaterThan(width(knowInput(rows(150), before, NOTHING)));
    expect(width(knowInput(rows(20), before, NOTHING))).toBeGreaterThan(width(alike));
  });

  it("holds for rows that are twice as long, should those be counted a tenth denser or less dense, and not for much more", () => {
    const { inputScale, ...known } = knowInput(
      rows(219),
      seen(100, 60, (ours) => ours),
      NOTHING,
    );
    const expected = meanOf({ inputScale, ...known }, 219);
    for (const slope of [0.9, 1.1]) {
      const truth = 109.5 + slope * 109.5;
      expect(truth).toBeGreaterThan(inputScale.low * expected);
      expect(truth).toBeLessThan(inputScale.high * expected);
    }
    expect(inputScale.high).toBeCloseTo(1 + 0.05 + 0.1);
    expect(inputScale.low).toBeCloseTo(1 - 0.05 - 0.1);
  });

  it("takes no slope that is not sure: those of counts that differ for other reasons than their length", () => {
    const noisy = (ours: number) => (ours % 2 === 0 ? 40 : 160);
    const { inputFactor } = knowInput(
      rows(400, 0),
      seen(60, 100, (ours) => noisy(ours) + 4 * (ours - 129.5)),
      NOTHING,
    );
    expect(inputFactor).toBeLessThan(1.1);
    // A vendor's tokens are never quite so small, nor so large.
    expect(
      knowInput(
        rows(400, 0),
        seen(60, 100, (ours) => 5 * ours),
        NOTHING,
      ).inputFactor,
    ).toBe(3);
    expect(
      knowInput(
        rows(400, 0),
        seen(60, 100, (ours) => 50 + ours / 10),
        NOTHING,
      ).inputFactor,
    ).toBe(0.2);
  });

  it("of rows that were all as long says the same of such rows, and of longer ones that most of the difference lies in what is no text", () => {
    const before = same(60, 100, 60);
    const meanAfter = (fixed: number, mean: number) => meanOf(knowInput(rows(mean, fixed), before, NOTHING), mean);
    expect(meanAfter(60, 100)).toBeCloseTo(60);
    // 100 tokens of text more are nearly 100 for the vendor too, where 60 of the first 100 are a schema that it may not count:
    // of the 40 that are missing one is put down to the other 40, its text.
    expect(meanAfter(60, 200)).toBeCloseTo(60 + 100 * (1 - 1.08 / 40), 1);
    // and are counted as the others are where all of them are text.
    expect(meanAfter(0, 200)).toBeCloseTo(120);
  });

  it("of fewer calls than show a slope goes by the means alone", () => {
    const known = knowInput(
      rows(72, 0),
      seen(25, 60, (ours) => 2 * ours),
      NOTHING,
    );
    expect(meanOf(known, 72)).toBeCloseTo(144);
  });

  it("holds for rows that come to a later step with what those are longer by", () => {
    const known = (mean: number, longer: number) =>
      knowInput(
        rows(mean),
        seen(100, 60, (ours) => 1.25 * ours, longer),
        NOTHING,
      );
    expect(meanOf(known(109.5, 25), 109.5)).toBeCloseTo(1.25 * 109.5 + 25);
    // As sure as of rows that are 20 tokens longer by our count.
    expect(width(known(109.5, 25))).toBeCloseTo(width(known(129.5, 0)));
    expect(width(known(109.5, 25))).toBeGreaterThan(width(known(109.5, 0)) + 0.02);
  });

  it("comes before lessons; of fewer than five calls nothing is told", () => {
    const lessons = { lessons: lessonSums(50, { ours: 100, theirs: 150 }), counted: 150 };
    expect(meanOf(knowInput(rows(100), same(5, 100, 110), lessons), 100)).toBeCloseTo(110);
    expect(meanOf(knowInput(rows(100), same(4, 100, 110), lessons), 100)).toBeCloseTo(150);
  });
});

describe("the vendor's count of the input, from lessons", () => {
  it("goes by the ratio that was learned, the less surely the fewer lessons and the more they differ", () => {
    const learned = (calls: number) =>
      knowInput(rows(100), undefined, { lessons: lessonSums(calls, { ours: 100, theirs: 125 }), counted: 125 });
    expect(meanOf(learned(50), 100)).toBeCloseTo(125);
    expect(learned(50).isAssumed).toBeUndefined();
    const mixed = (calls: number) => {
      const halves = [lessonSums(calls / 2, { theirs: 80 }), lessonSums(calls / 2, { theirs: 170 })];
      const sum = (of: keyof typeof NO_LESSONS) => halves[0]![of] + halves[1]![of];
      const { calls: all, estimated, counted, countedSquares, answers, output, outputSquares } = NO_LESSONS;
      const lessons = { calls: all, estimated, counted, countedSquares, answers, output, outputSquares };
      for (const key of Object.keys(lessons) as (keyof typeof lessons)[]) lessons[key] = sum(key);
      return knowInput(rows(100), undefined, { lessons, counted: 125 });
    };
    expect(meanOf(mixed(20), 100)).toBeCloseTo(125);
    // Two standard errors of a factor that is 0.8 for one half of the calls, and 1.7 for the other, beside the twentieth that is always left.
    expect(width(mixed(100))).toBeCloseTo(2 * (0.05 + (2 * 0.45) / 1.25 / 10));
    expect(width(learned(100))).toBeCloseTo(2 * 0.05);
  });

  it("that are at their bounds tell nothing: the vendor's mean of late does, and where there is none it is assumed", () => {
    for (const theirs of [20, 400]) {
      const lessons = lessonSums(50, { ours: 100, theirs });
      const known = knowInput(rows(100), undefined, { lessons, counted: theirs });
      expect(meanOf(known, 100)).toBeCloseTo(theirs);
      expect(known.isAssumed).toBeUndefined();
      expect(knowInput(rows(100), undefined, { lessons, counted: undefined }).isAssumed).toBe(true);
    }
  });
});

describe("the vendor's count of the input, where nothing is known of it", () => {
  it("is ours, in a wide range that is said to be assumed", () => {
    const known = knowInput(rows(400), undefined, NOTHING);
    expect(known).toMatchObject({ inputFactor: 1, inputMore: 0, isAssumed: true, inputScale: { expected: 1, isAssumed: true } });
    expect(known.inputScale.low).toBeLessThanOrEqual(0.25);
    expect(known.inputScale.high).toBeGreaterThanOrEqual(2);
  });

  it("reaches down to part of the text alone, for rows that are mostly a schema", () => {
    const { inputScale } = knowInput(rows(400, 380), undefined, NOTHING);
    expect(inputScale.low).toBeLessThan(20 / 400);
    expect(inputScale.low).toBeGreaterThan((0.4 * 20) / 400);
  });
});
