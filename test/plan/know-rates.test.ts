import { describe, expect, it } from "vitest";
import { knowDoneRate, knowFailures, knowJudgePassRate, knowRepairDoneRate } from "../../src/plan/know-rates.ts";
import type { CheckSpec, JudgeSpec } from "../../src/job/check-spec.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import type { StepTally } from "../../src/plan/step-sums.ts";
import { NO_STATS, type ModelStats } from "../../src/routing/model-stats.ts";
import { taskSpec, toStep } from "../routing/specs.ts";
import { callTally, seenStep, stepTally, times } from "./plan-specs.ts";

const ALONE = toStep("a/1");
const AGREED = toStep(["a/1", "b/2"]);
const CHECK: CheckSpec = { kind: "schema", onFail: "escalate" };
const CHECKED = taskSpec({ checks: [CHECK] });
const JUDGE: JudgeSpec = { models: ["c/judge"], rubric: "Right?", passMark: 7, sample: 0.5, onFail: "escalate" };

const stats = (passRate: number, calls: number): ModelStats => ({ ...NO_STATS, passRate, calls });

interface Known {
  readonly task?: TaskSpec;
  readonly step?: typeof ALONE;
  readonly own?: StepTally;
  readonly isWithin?: boolean;
  readonly isLater?: boolean;
  readonly first?: StepTally;
  readonly live?: ModelStats;
  readonly rows?: number;
}

function doneRate({ task = CHECKED, step = ALONE, own, isWithin = false, isLater = false, first, live, rows = 500 }: Known) {
  return knowDoneRate(task, step, {
    seen: seenStep(own ?? stepTally(0, 0), { isWithin }),
    first,
    rows,
    isLater,
    statsOf: () => live ?? NO_STATS,
  });
}

describe("the share of rows that a step ends", () => {
  it("goes by rows that came by the same way, whatever else is known, when there are enough of them", () => {
    expect(doneRate({ own: stepTally(24, 30), live: stats(0.5, 400), first: stepTally(100, 400) }).expected).toBeCloseTo(0.8);
    expect(doneRate({ own: stepTally(24, 29), live: stats(0.5, 400) }).expected).toBeCloseTo(0.5);
  });

  it("of a later step goes by few of them: no other rows are like those that failed before", () => {
    const known: Known = { own: stepTally(2, 5), live: stats(0.9, 400), first: stepTally(380, 400) };
    expect(doneRate({ ...known, isLater: true }).expected).toBeCloseTo(0.4);
    expect(doneRate(known).expected).toBeCloseTo(0.9);
    expect(doneRate({ ...known, isLater: true, own: stepTally(2, 4) }).expected).toBeCloseTo(0.9);
  });

  it("else goes by who has seen most: what the fleet has learned, a pilot's figures, or rows that came to the step first", () => {
    const pilot = { passRates: { "a/1": { rate: 0.6, of: 200 } }, agreements: {}, isDemoting: false } as const;
    const task = taskSpec({ checks: [CHECK], drift: pilot });
    expect(doneRate({ task, live: stats(0.7, 300), first: stepTally(90, 100) }).expected).toBeCloseTo(0.7);
    expect(doneRate({ task, live: stats(0.7, 50), first: stepTally(90, 100) }).expected).toBeCloseTo(0.6);
    expect(doneRate({ task, live: stats(0.7, 50), first: stepTally(360, 400) }).expected).toBeCloseTo(0.9);
  });

  it("takes no judge's word for a failed check", () => {
    expect(doneRate({ task: taskSpec({ judge: JUDGE }), live: stats(0.5, 400) }).expected).toBe(1);
    expect(doneRate({ task: taskSpec({ judge: JUDGE, checks: [CHECK] }), live: stats(0.5, 400) }).expected).toBeCloseTo(0.5);
  });

  it("of models that agree puts together what was seen and what was learned, and knows a pilot's agreements", () => {
    expect(doneRate({ step: AGREED, own: stepTally(20, 20), live: stats(0.5, 80) }).expected).toBeCloseTo(0.6);
    const agreements = { "a/1+b/2": { rate: 0.7, of: 200 } };
    const task = taskSpec({ drift: { passRates: {}, agreements, isDemoting: false } });
    expect(doneRate({ task, step: AGREED }).expected).toBeCloseTo(0.7);
  });

  it("is assumed where nobody has seen five rows, and says so of agreements", () => {
    expect(doneRate({ own: stepTally(4, 4) })).toEqual({ low: 1, expected: 1, high: 0, isAssumed: true });
    expect(doneRate({ step: AGREED })).toMatchObject({ low: 1, high: 0, isAssumed: true, isUnseen: true });
    expect(doneRate({ own: stepTally(5, 5) }).isAssumed).toBeUndefined();
  });

  it("is the surer the more was seen, and surest of the file's own rows; of all that passed a few still may not", () => {
    const width = (known: Known) => {
      const { low, high } = doneRate(known);
      return low - high;
    };
    expect(width({ own: stepTally(40, 50) })).toBeGreaterThan(width({ own: stepTally(400, 500) }));
    expect(width({ own: stepTally(160, 200) })).toBeGreaterThan(width({ own: stepTally(160, 200), isWithin: true }));
    expect(doneRate({ own: stepTally(200, 200) })).toMatchObject({ low: 1, expected: 1 });
    expect(doneRate({ own: stepTally(200, 200) }).high).toBeLessThan(0.995);
  });
});

describe("what becomes of answers that failed their checks", () => {
  const repairing: CheckSpec = { kind: "schema", onFail: "repair" };
  const failing: CheckSpec = { kind: "schema", onFail: "fail" };

  it("is what the task says, as long as five were not seen", () => {
    const found = (checks: readonly CheckSpec[], step = ALONE) => knowFailures({ checks }, step, stepTally(96, 100, { repaired: 4 }));
    expect(found([])).toEqual({ repair: 0, escalate: 1, fail: 0 });
    expect(found([CHECK])).toEqual({ repair: 0, escalate: 1, fail: 0 });
    expect(found([failing])).toEqual({ repair: 0, escalate: 0, fail: 1 });
    expect(found([failing, CHECK])).toEqual({ repair: 0, escalate: 1, fail: 0 });
    expect(found([failing, repairing])).toEqual({ repair: 1, escalate: 0, fail: 0 });
  });

  it("is what was seen of them, where the task has several rules", () => {
    const tally = stepTally(60, 100, { repaired: 20, ended: 10 });
    expect(knowFailures({ checks: [failing, repairing, CHECK] }, ALONE, tally)).toEqual({ repair: 0.5, escalate: 0.25, fail: 0.25 });
    // Repaired were answers that a judge did not let pass: no check asks for it.
    expect(knowFailures({ checks: [failing, CHECK] }, ALONE, tally)).toEqual({ repair: 0, escalate: 0.75, fail: 0.25 });
  });

  it("of models that don't agree is the next step: of several answers none is repaired", () => {
    const tally = stepTally(50, 100);
    expect(knowFailures({ checks: [CHECK] }, AGREED, tally)).toEqual({ repair: 0, escalate: 1, fail: 0 });
    expect(knowFailures({ checks: [repairing] }, AGREED, undefined)).toEqual({ repair: 0, escalate: 1, fail: 0 });
  });
});

describe("the share of repairs that succeed", () => {
  const task = taskSpec({ checks: [{ kind: "schema", onFail: "repair" }] });
  const repaired = (answers: number, repairDone: number) =>
    stepTally(0, 100, { repairDone, repairs: callTally(times(answers, () => ({}))) });

  it("is as was seen of five or more, else assumed", () => {
    expect(knowRepairDoneRate(task, repaired(20, 15), 500).expected).toBeCloseTo(0.75);
    expect(knowRepairDoneRate(task, repaired(5, 1), 500).expected).toBeCloseTo(0.2);
    expect(knowRepairDoneRate(task, repaired(4, 1), 500)).toMatchObject({ expected: 1, isAssumed: true });
    expect(knowRepairDoneRate(task, undefined, 500).isAssumed).toBe(true);
  });

  it("is not asked of a task that repairs nothing any more", () => {
    expect(knowRepairDoneRate(CHECKED, repaired(20, 15), 500).isAssumed).toBe(true);
  });
});

describe("the share of judged answers that pass", () => {
  const scored = (counts: Readonly<Record<number, number>>) => times(11, (score) => counts[score] ?? 0);
  const none = scored({});
  const passRate = (task: TaskSpec, scores: readonly (readonly number[])[], live = NO_STATS) =>
    knowJudgePassRate(task, { scores, live, rows: 400 });

  it("is of the step's own scores those that reach the pass mark, also one that was changed since", () => {
    const scores = [scored({ 3: 10, 6: 10, 7: 20, 10: 10 }), scored({ 0: 500 })];
    expect(passRate(taskSpec({ judge: JUDGE }), scores).expected).toBeCloseTo(0.6);
    expect(passRate(taskSpec({ judge: { ...JUDGE, passMark: 6 } }), scores).expected).toBeCloseTo(0.8);
    expect(passRate(taskSpec({ judge: { ...JUDGE, passMark: 0 } }), scores).expected).toBe(1);
  });

  it("else of all the task's scores", () => {
    expect(passRate(taskSpec({ judge: JUDGE }), [scored({ 1: 4 }), scored({ 3: 20, 8: 80 })]).expected).toBeCloseTo(0.8);
    expect(passRate(taskSpec({ judge: JUDGE }), [scored({ 1: 5 }), scored({ 3: 20, 8: 80 })]).expected).toBe(0);
  });

  it("else follows from what was learned, where nothing but the judge lets an answer fail", () => {
    // Of a hundred answers half were judged, and of those a fifth failed.
    expect(passRate(taskSpec({ judge: JUDGE }), [none, none], stats(0.9, 100)).expected).toBeCloseTo(0.8);
    const mixed = passRate(taskSpec({ judge: JUDGE, checks: [CHECK] }), [none, none], stats(0.9, 100));
    expect(mixed).toMatchObject({ expected: 1, isAssumed: true });
  });

  it("else is assumed, in a wide range", () => {
    const known = passRate(taskSpec({ judge: JUDGE }), [none, none]);
    expect(known).toMatchObject({ low: 1, isAssumed: true });
    expect(known.high).toBeLessThan(0.5);
  });

  it("is the surer the more rows of the file are judged", () => {
    const width = (sample: number) => {
      const { low, high } = passRate(taskSpec({ judge: { ...JUDGE, sample } }), [scored({ 3: 100, 8: 100 })]);
      return low - high;
    };
    expect(width(0.05)).toBeGreaterThan(width(1));
  });
});
