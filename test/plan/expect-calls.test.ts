import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OnFail } from "../../src/job/check-spec.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer } from "../../src/job/outcome.ts";
import { freshProgress } from "../../src/job/progress.ts";
import type { Purpose } from "../../src/job/trail.ts";
import { expectCalls, judgeTokens, mayRepair, repairTokens, worstCalls } from "../../src/plan/expect-calls.ts";
import {
  type ExpectedCalls,
  type ExpectedStep,
  type FailurePolicy,
  type Kind,
  type Known,
  type Level,
  type ModelKnowledge,
  type PathKnowledge,
  type ReadFigure,
  type StepKnowledge,
  NO_PARTS,
} from "../../src/plan/plan.ts";
import { exactly } from "../../src/plan/spread.ts";
import { decideStep } from "../../src/routing/decide.ts";
import { taskSpec } from "../routing/specs.ts";

function model(id: ModelId, changes: Partial<ModelKnowledge> = {}): ModelKnowledge {
  return {
    model: id,
    answerRate: 1,
    inputFactor: 1,
    inputMore: 0,
    inputScale: exactly(1),
    outputTokens: exactly(100),
    parts: NO_PARTS,
    latenciesMs: [500],
    latencyScale: exactly(1),
    ...changes,
  };
}

const ESCALATE = { repair: 0, escalate: 1, fail: 0 };

function step(doneRate: number, models: readonly ModelKnowledge[], changes: Partial<StepKnowledge> = {}): StepKnowledge {
  return {
    step: { models: models.map((each) => each.model) },
    doneRate: exactly(doneRate),
    models,
    onFail: ESCALATE,
    repairMore: exactly(0),
    repairDoneRate: exactly(1),
    repairOutput: exactly(100),
    ...changes,
  };
}

function judgeBy(known: ModelKnowledge, passRate: number): Pick<StepKnowledge, "judge"> {
  return { judge: { model: known, inputMore: exactly(0), passRate: exactly(passRate) } };
}

const PLAIN = { attempts: 4 };
const [A, B, C, J] = [model("v/a"), model("v/b"), model("w/c"), model("w/j")];
const judgeSpec = (onFail: OnFail, sample = 1) => ({ models: [J.model], rubric: "Is it right?", passMark: 7, sample, onFail });
const atLevel =
  (level: Level): ReadFigure =>
  (known) =>
    known[level];
const expected = atLevel("expected");

/** Requests by model and purpose. */
function counts(calls: readonly ExpectedCalls[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { model: id, purpose, requests } of calls) sums[`${id} ${purpose}`] = (sums[`${id} ${purpose}`] ?? 0) + requests;
  return Object.fromEntries(Object.entries(sums).map(([name, requests]) => [name, Number(requests.toFixed(6))]));
}

function callsOf(steps: readonly ExpectedStep[]): readonly ExpectedCalls[] {
  return steps.flatMap(({ calls }) => calls);
}

const reaches = (steps: readonly ExpectedStep[]) => steps.map(({ reach }) => Number(reach.toFixed(6)));

describe("the calls to be expected for a row", () => {
  it("are one where the first model's answers pass, and the next step is not come to", () => {
    const steps = expectCalls(PLAIN, { steps: [step(1, [A]), step(1, [B])] }, expected);
    expect(steps.map(({ reach, calls }) => [reach, counts(calls)])).toEqual([[1, { "v/a answer": 1 }]]);
  });

  it("of a cascade are all members of the agreement, and the next step for the share that disagrees", () => {
    const steps = expectCalls(PLAIN, { steps: [step(0.8, [A, B]), step(1, [C])] }, expected);
    expect(counts(callsOf(steps))).toEqual({ "v/a agree": 1, "v/b agree": 1, "w/c answer": 0.2 });
    expect(reaches(steps)).toEqual([1, 0.2]);
  });

  it("repeat what fails, up to the task's attempts; only answers are paid, and what gets none goes on", () => {
    const path = { steps: [step(1, [model("v/a", { answerRate: 0.5 })]), step(1, [B])] };
    const steps = expectCalls({ attempts: 2 }, path, expected);
    expect(steps[0]!.calls[0]).toMatchObject({ requests: 1.5, answers: 0.75 });
    expect(counts(callsOf(steps))).toEqual({ "v/a answer": 1.5, "v/b answer": 0.25 });
    const dead = expectCalls({ attempts: 3 }, { steps: [step(1, [model("v/a", { answerRate: 0 })]), step(1, [B])] }, expected);
    expect(counts(callsOf(dead))).toEqual({ "v/a answer": 3, "v/b answer": 1 });
    expect(dead[0]!.calls[0]).toMatchObject({ answers: 0 });
  });

  it("of an agreement go on where any of its members gives no answer", () => {
    const path = { steps: [step(1, [model("v/a", { answerRate: 0.5 }), model("v/b", { answerRate: 0.8 })]), step(1, [C])] };
    expect(reaches(expectCalls({ attempts: 1 }, path, expected))).toEqual([1, 0.6]);
  });

  it("go to the next model when a check fails, after one repair where the task asks for it, or end", () => {
    const found = (onFail: FailurePolicy, repairDoneRate = 0.5) => {
      const first = step(0.5, [A], { onFail: { repair: 0, escalate: 0, fail: 0, [onFail]: 1 }, repairDoneRate: exactly(repairDoneRate) });
      return counts(callsOf(expectCalls(PLAIN, { steps: [first, step(1, [B])] }, expected)));
    };
    expect(found("escalate")).toEqual({ "v/a answer": 1, "v/b answer": 0.5 });
    expect(found("repair")).toEqual({ "v/a answer": 1, "v/a repair": 0.5, "v/b answer": 0.25 });
    expect(found("repair", 1)).toEqual({ "v/a answer": 1, "v/a repair": 0.5 });
    expect(found("fail")).toEqual({ "v/a answer": 1 });
  });

  it("hold the judge's share of what passed, and an analysis of every row, before all else", () => {
    const judge = judgeSpec("escalate", 0.25);
    const path: PathKnowledge = { steps: [step(0.8, [A], judgeBy(J, 0.9)), step(1, [C])], analysis: B };
    const steps = expectCalls({ ...PLAIN, judge }, path, expected);
    expect(steps[0]!.calls.map(({ purpose }) => purpose)).toEqual(["analyse", "answer", "judge"]);
    expect(counts(callsOf(steps))).toEqual({ "v/b analyse": 1, "v/a answer": 1, "w/j judge": 0.2, "w/c answer": 0.22 });
  });

  it("of an answer that a judge doesn't let pass are what the task says: a repair that is judged again, the next step, or none", () => {
    const found = (onFail: OnFail) => {
      const path = { steps: [step(1, [A], { ...judgeBy(J, 0.6), repairDoneRate: exactly(0.9) }), step(1, [B])] };
      return counts(callsOf(expectCalls({ ...PLAIN, judge: judgeSpec(onFail) }, path, expected)));
    };
    expect(found("escalate")).toEqual({ "v/a answer": 1, "w/j judge": 1, "v/b answer": 0.4 });
    expect(found("fail")).toEqual({ "v/a answer": 1, "w/j judge": 1 });
    // Of 0.4 that are repaired 0.36 are judged again, and 0.6 of those pass.
    expect(found("repair")).toEqual({ "v/a answer": 1, "v/a repair": 0.4, "w/j judge": 1.36, "v/b answer": 0.184 });
  });

  it("of an agreed answer that a judge doesn't let pass hold the repair that the fleet makes of it", () => {
    const judge = judgeSpec("repair");
    const task = taskSpec({ judge });
    const answer: Answer = { text: "1", finish: { unified: "stop", raw: null } };
    const low: Answer = { ...answer, json: { score: 3, reason: "wrong" } };
    const decided = decideStep({
      task,
      progress: { ...freshProgress(0), held: { model: A.model, answer, alike: [B.model] } },
      step: { models: [J.model], purpose: "judge" },
      parts: [{ model: J.model, outcome: { kind: "answered", answer: low } }],
      isJudged: true,
      isTrial: false,
    });
    expect(decided).toMatchObject({ kind: "rebind", progress: { next: [{ models: [A.model], purpose: "repair" }] } });
    const path = { steps: [step(1, [A, B], judgeBy(J, 0.6)), step(1, [C])] };
    const found = counts(callsOf(expectCalls(task, path, expected)));
    expect(found).toEqual({ "v/a agree": 1, "v/b agree": 1, "w/j judge": 1.4, "v/a repair": 0.4, "w/c answer": 0.16 });
  });

  it("have the row's input by the model's measure, with what their purpose adds to it", () => {
    const counted = model("v/a", { inputFactor: 1.2, inputMore: 30, inputScale: { low: 0.5, expected: 1, high: 2 } });
    const path: PathKnowledge = {
      steps: [
        step(0.5, [counted], {
          onFail: { repair: 1, escalate: 0, fail: 0 },
          repairMore: exactly(70),
          repairOutput: exactly(55),
          judge: { model: J, inputMore: exactly(400), passRate: exactly(1) },
        }),
      ],
      analysis: B,
    };
    const calls = callsOf(expectCalls({ ...PLAIN, judge: judgeSpec("escalate") }, path, atLevel("high")));
    const of = (purpose: Purpose) => calls.find((each) => each.purpose === purpose)!;
    expect(of("answer")).toMatchObject({ inputFactor: 2.4, inputMore: 60, outputTokens: 100 });
    expect(of("repair")).toMatchObject({ inputFactor: 2.4, inputMore: 130, outputTokens: 55 });
    expect(of("judge")).toMatchObject({ inputFactor: 1, inputMore: 400 });
    expect(of("analyse")).toMatchObject({ inputFactor: 1, inputMore: 0 });
  });

  it("read each figure by its kind", () => {
    const ask = (kind: Kind) => {
      const read: ReadFigure = (known, of) => (of === kind ? known.low : known.expected);
      const figures: Known = { low: 0.5, expected: 0.9, high: 1 };
      const known = model("v/a", { inputScale: figures, outputTokens: figures });
      const path = { steps: [step(1, [known], { doneRate: figures, judge: { model: J, inputMore: exactly(9), passRate: figures } })] };
      const [answer, judge] = callsOf(expectCalls({ ...PLAIN, judge: judgeSpec("escalate") }, path, read));
      return [answer!.inputFactor, answer!.outputTokens, judge!.requests];
    };
    expect(ask("done")).toEqual([0.9, 0.9, 0.5]);
    expect(ask("input")).toEqual([0.5, 0.9, 0.9]);
    expect(ask("output")).toEqual([0.9, 0.5, 0.9]);
    expect(ask("judged")).toEqual([0.9, 0.9, 0.9]);
  });
});

/** In thousandths: rows that are rarer than any file has are none. */
const share = fc.integer({ min: 0, max: 1_000 }).map((thousandths) => thousandths / 1_000);
const rate = fc.oneof({ weight: 3, arbitrary: share }, { weight: 1, arbitrary: fc.constantFrom(0, 1) });
const aModel = fc.tuple(fc.constantFrom(A, B, C), rate).map(([known, answerRate]) => ({ ...known, answerRate }));
const failures = fc.tuple(share, share, share).map(([repair, escalate, fail]): Readonly<Record<FailurePolicy, number>> => {
  const sum = repair + escalate + fail;
  return sum > 0 ? { repair: repair / sum, escalate: escalate / sum, fail: fail / sum } : ESCALATE;
});
const aStep = fc
  .record({
    models: fc.uniqueArray(aModel, { minLength: 1, maxLength: 3, selector: (known) => known.model }),
    done: rate,
    onFail: failures,
    repaired: rate,
    pass: rate,
    isJudged: fc.boolean(),
  })
  .map(({ models, done, onFail, repaired, pass, isJudged }) =>
    step(done, models, {
      onFail: models.length > 1 ? ESCALATE : onFail,
      repairDoneRate: exactly(repaired),
      ...(isJudged ? judgeBy(J, pass) : {}),
    }),
  );
const scene = fc.record({
  attempts: fc.integer({ min: 1, max: 4 }),
  steps: fc.array(aStep, { minLength: 1, maxLength: 3 }),
  onFail: fc.constantFrom<OnFail>("repair", "escalate", "fail"),
  sample: rate,
  isAnalysed: fc.boolean(),
});

/** A row's ways through its path, branch by branch, each with its likelihood: requests by step, model and purpose. */
function walkAll(task: Parameters<typeof expectCalls>[0], { steps, analysis }: PathKnowledge): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const ask = (i: number, known: ModelKnowledge, purpose: Purpose, likely: number): number => {
    const key = `${i} ${known.model} ${purpose}`;
    let unanswered = likely;
    for (let attempt = 0; attempt < task.attempts; attempt++) {
      sums.set(key, (sums.get(key) ?? 0) + unanswered);
      unanswered *= 1 - known.answerRate;
    }
    return likely - unanswered;
  };
  const enter = (i: number, likely: number, isJudged: boolean): void => {
    const at = steps[i];
    if (!at || likely === 0) return;
    let answered = likely;
    for (const known of at.models)
      answered *= ask(i, known, at.models.length > 1 ? "agree" : "answer", likely) / Math.max(Number.MIN_VALUE, likely);
    enter(i + 1, likely - answered, isJudged);
    const done = at.doneRate.expected;
    settle(i, answered * done, { isRepaired: false, isJudged });
    const failed = answered * (1 - done);
    enter(i + 1, failed * at.onFail.escalate, isJudged);
    repairOf(i, failed * at.onFail.repair, isJudged);
  };
  const settle = (
    i: number,
    likely: number,
    { isRepaired, isJudged }: { readonly isRepaired: boolean; readonly isJudged: boolean },
  ): void => {
    const { judge } = steps[i]!;
    if (!task.judge || !isJudged) return;
    // Nobody may say that it is right.
    if (!judge) return enter(i + 1, likely, isJudged);
    ask(i, judge.model, "judge", likely);
    const unpassed = likely * (1 - judge.passRate.expected);
    if (task.judge.onFail === "repair" && !isRepaired) repairOf(i, unpassed, isJudged);
    else if (task.judge.onFail !== "fail") enter(i + 1, unpassed, isJudged);
  };
  const repairOf = (i: number, likely: number, isJudged: boolean): void => {
    const answered = ask(i, steps[i]!.models[0]!, "repair", likely);
    const put = answered * steps[i]!.repairDoneRate.expected;
    settle(i, put, { isRepaired: true, isJudged });
    enter(i + 1, likely - put, isJudged);
  };
  if (analysis) ask(0, analysis, "analyse", 1);
  // A row is judged wherever it comes, or nowhere.
  const judged = task.judge?.sample ?? 0;
  enter(0, judged, true);
  enter(0, 1 - judged, false);
  return sums;
}

describe("the calls to be expected, however a row goes", () => {
  it("are those of all its ways, each by its likelihood", () => {
    fc.assert(
      fc.property(scene, ({ attempts, steps, onFail, sample, isAnalysed }) => {
        const judge = judgeSpec(onFail, sample);
        const path: PathKnowledge = { steps, ...(isAnalysed ? { analysis: C } : {}) };
        const found = new Map<string, number>();
        for (const [i, { calls }] of expectCalls({ attempts, judge }, path, expected).entries()) {
          for (const { model: id, purpose, requests } of calls) {
            const key = `${i} ${id} ${purpose}`;
            found.set(key, (found.get(key) ?? 0) + requests);
          }
        }
        const walked = walkAll({ attempts, judge }, path);
        for (const key of new Set([...found.keys(), ...walked.keys()]))
          expect(Math.abs((found.get(key) ?? 0) - (walked.get(key) ?? 0)), key).toBeLessThan(1e-6);
      }),
    );
  });

  it("are at least one for each row, never more answers than requests, and never more rows at a step than at the one before", () => {
    fc.assert(
      fc.property(scene, ({ attempts, steps, onFail, sample }) => {
        const found = expectCalls({ attempts, judge: judgeSpec(onFail, sample) }, { steps }, expected);
        expect(callsOf(found).reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThanOrEqual(1 - 1e-9);
        for (const { requests, answers } of callsOf(found)) expect(answers).toBeLessThanOrEqual(requests + 1e-9);
        for (const [i, { reach }] of found.entries()) expect(reach).toBeLessThanOrEqual((found[i - 1]?.reach ?? 1) + 1e-9);
      }),
    );
  });
});

describe("the worst case", () => {
  const checks = (onFail: OnFail) => [{ kind: "schema" as const, onFail }];

  it("is every step once, with its repair, and answers as long as they may be", () => {
    const calls = worstCalls({ checks: checks("repair") }, { steps: [step(1, [A]), step(1, [B, C])] }, (id) => (id === A.model ? 10 : 20));
    expect(counts(calls)).toEqual({ "v/a answer": 1, "v/a repair": 1, "v/b agree": 1, "w/c agree": 1 });
    expect(calls.map(({ outputTokens }) => outputTokens)).toEqual([10, 10, 20, 20]);
  });

  it("has no repair where the task makes none", () => {
    const worst = worstCalls({ checks: checks("escalate"), judge: judgeSpec("fail") }, { steps: [step(1, [A], judgeBy(J, 1))] }, () => 10);
    expect(counts(worst)).toEqual({ "v/a answer": 1, "w/j judge": 1 });
  });

  it("judges each answer, the repaired one too, and asks for the complexity", () => {
    const path: PathKnowledge = { steps: [step(1, [A], judgeBy(J, 1))], analysis: B };
    const longest = (_: ModelId, purpose: Purpose) => (purpose === "judge" ? 7 : 1_000);
    const calls = worstCalls({ checks: checks("repair"), judge: judgeSpec("escalate") }, path, longest);
    expect(counts(calls)).toEqual({ "v/b analyse": 1, "v/a answer": 1, "v/a repair": 1, "w/j judge": 2 });
    expect(calls.find(({ purpose }) => purpose === "judge")).toMatchObject({ outputTokens: 7 });
  });

  it("repairs an agreed answer where its judge may ask for that, and judges it again", () => {
    const calls = worstCalls({ checks: [], judge: judgeSpec("repair") }, { steps: [step(1, [A, B], judgeBy(J, 1))] }, () => 1_000);
    expect(counts(calls)).toEqual({ "v/a agree": 1, "v/b agree": 1, "v/a repair": 1, "w/j judge": 2 });
  });

  it("tells a judge, and who repairs, the longest answer there may be; and takes inputs at their highest", () => {
    const judge = judgeSpec("repair");
    const known = model("v/a", { inputFactor: 1.5, inputMore: 20, inputScale: { low: 0.8, expected: 1, high: 1.2 } });
    const calls = worstCalls({ checks: [], judge }, { steps: [step(1, [known], judgeBy(J, 1))] }, () => 1_000);
    const of = (purpose: Purpose) => calls.find((each) => each.purpose === purpose)!;
    expect(of("answer")).toMatchObject({ inputFactor: expect.closeTo(1.8, 9), inputMore: expect.closeTo(24, 9) });
    expect(of("repair").inputMore).toBeCloseTo(24 + repairTokens(1_000), 9);
    expect(of("judge").inputMore).toBeCloseTo(judgeTokens({ judge }, 1_000), 9);
    // What was seen to be more is more.
    const more = step(1, [known], { ...judgeBy(J, 1), repairMore: exactly(9_000) });
    const seen = worstCalls({ checks: [], judge }, { steps: [more] }, () => 1_000);
    expect(seen.find(({ purpose }) => purpose === "repair")!.inputMore).toBeCloseTo(9_024, 9);
  });

  it("tells a judge the longest answer of those of which some agree: the first one need not be among them", () => {
    const judge = judgeSpec("escalate");
    const longest = (id: ModelId) => (id === B.model ? 5_000 : 100);
    const majority = step(1, [A, B, C], { step: { models: [A.model, B.model, C.model], agree: { need: 2 } }, ...judgeBy(J, 1) });
    const calls = worstCalls({ checks: [], judge }, { steps: [majority] }, longest);
    expect(calls.find(({ purpose }) => purpose === "judge")!.inputMore).toBeGreaterThanOrEqual(judgeTokens({ judge }, 5_000));
  });

  it("holds at least what is to be expected, call by call", () => {
    fc.assert(
      fc.property(scene, ({ steps, onFail, sample, isAnalysed }) => {
        const judge = judgeSpec(onFail, sample);
        const calm = steps.map((each) => ({ ...each, models: each.models.map((known) => ({ ...known, answerRate: 1 })) }));
        const path: PathKnowledge = { steps: calm, ...(isAnalysed ? { analysis: C } : {}) };
        const isRepairing = steps.some(({ onFail: policies }) => policies.repair > 0);
        const task = { attempts: 4, judge, checks: isRepairing ? checks("repair") : [] };
        const most = counts(worstCalls(task, path, () => 1_000));
        for (const [call, requests] of Object.entries(counts(callsOf(expectCalls(task, path, expected)))))
          expect(requests, call).toBeLessThanOrEqual((most[call] ?? 0) + 1e-6);
      }),
    );
  });
});

describe("what a call has beside the row", () => {
  it("is for a judge the rubric and the answer, for a repair the answer that failed", () => {
    const rubric = { judge: { ...judgeSpec("escalate"), rubric: "x".repeat(4_000) } };
    expect(judgeTokens(rubric, 300) - judgeTokens({}, 300)).toBeCloseTo(1_000, 9);
    expect(judgeTokens({}, 300) - judgeTokens({}, 0)).toBe(300);
    expect(repairTokens(300) - repairTokens(0)).toBe(300);
    expect(Math.min(judgeTokens({}, 0), repairTokens(0))).toBeGreaterThan(0);
  });
});

describe("a task may repair", () => {
  it("where a check or its judge says so", () => {
    const check = (onFail: OnFail) => [
      { kind: "schema" as const, onFail: "fail" as const },
      { kind: "schema" as const, onFail },
    ];
    expect(mayRepair({ checks: check("repair") })).toBe(true);
    expect(mayRepair({ checks: check("escalate"), judge: judgeSpec("repair") })).toBe(true);
    expect(mayRepair({ checks: check("escalate"), judge: judgeSpec("fail") })).toBe(false);
    expect(mayRepair({ checks: [] })).toBe(false);
  });
});
