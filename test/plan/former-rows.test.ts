import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OnFail } from "../../src/job/check-spec.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { ErrorCode, Result } from "../../src/job/result.ts";
import type { Step, TaskSpec } from "../../src/job/task.ts";
import { addFormerRows, countRow, newFormerRows, type FormerRows } from "../../src/plan/former-rows.ts";
import { meanInput } from "../../src/plan/call-means.ts";
import { callsOf, countCall, countJudgements, newStepTally, wayKey, type StepTally } from "../../src/plan/step-sums.ts";
import { answered, failed } from "../results/sample-results.ts";
import { routeSpec, taskSpec } from "../routing/specs.ts";
import { ENDINGS, liveRow, type RowLife, type ScriptedCall } from "./row-life.ts";
import { failedCall, repair, rowTrail, said, score, unfit, usage, type MadeCall } from "./row-trail.ts";

const [A, B, C, J, K] = ["v/a", "v/b", "w/c", "w/j", "w/k"] as const satisfies readonly ModelId[];

type Steps = readonly (readonly MadeCall[])[];

function counted(...results: readonly Result[]): FormerRows {
  const former = newFormerRows();
  for (const result of results) countRow(former, result);
  return former;
}

function ended(code: ErrorCode, ...steps: Steps): Result {
  return failed(0, { trail: rowTrail(0, ...steps), error: { code, message: "so it ended" } });
}

function done(...steps: Steps): Result {
  return answered(0, { trail: rowTrail(0, ...steps) });
}

/** Of the way through these steps. */
function at(former: FormerRows, ...way: readonly (ModelId | readonly ModelId[])[]): StepTally | undefined {
  return former.ways.get(wayKey(way.map((models): Step => ({ models: typeof models === "string" ? [models] : models }))));
}

/** Of a step's rows; those that are not named are none. */
function rowsOf(counts: Partial<Pick<StepTally, "rows" | "answered" | "done" | "repaired" | "repairDone" | "ended">>) {
  return { rows: 0, answered: 0, done: 0, repaired: 0, repairDone: 0, ended: 0, ...counts };
}

describe("a row of a former run", () => {
  it("that was answered at once is done at its first step", () => {
    const former = counted(done([said(A, { usage: usage(120, 30), latencyMs: 700 })]));
    expect(former.rows).toBe(1);
    expect([...former.ways.keys()]).toEqual([wayKey([{ models: [A] }])]);
    expect(at(former, A)).toMatchObject({ ...rowsOf({ rows: 1, answered: 1, done: 1 }), firstInputTokens: 120 });
    expect(at(former, A)!.models.get(A)).toMatchObject({ requests: 1, answers: 1, inputTokens: 120, outputTokens: 30, latenciesMs: [700] });
  });

  it("that failed its checks went on to the next step, which is counted by the way to it", () => {
    const former = counted(
      done([unfit(A, { usage: usage(300, 40) })], [said(B, { usage: usage(350, 9) })]),
      done([said(A, { usage: usage(100, 20) })]),
      done([said(B, { usage: usage(90, 8) })]),
    );
    expect(at(former, A)).toMatchObject({ ...rowsOf({ rows: 2, answered: 2, done: 1 }), firstInputTokens: 400 });
    expect(at(former, A, B)).toMatchObject({ ...rowsOf({ rows: 1, answered: 1, done: 1 }), firstInputTokens: 300 });
    expect(at(former, A, B)!.models.get(B)).toMatchObject({ answers: 1, inputTokens: 350 });
    expect(at(former, B)).toMatchObject({ ...rowsOf({ rows: 1, answered: 1, done: 1 }), firstInputTokens: 90 });
    expect(former.rows).toBe(3);
  });

  it("whose models agreed is done; where they disagreed the third one decided", () => {
    const former = counted(done([said(A), said(B)]), done([said(B), said(A)], [said(C)]));
    expect(at(former, [A, B])).toMatchObject(rowsOf({ rows: 2, answered: 2, done: 1 }));
    expect(at(former, [A, B])!.models.get(B)).toMatchObject({ requests: 2, answers: 2 });
    expect(at(former, [A, B], C)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
    expect([...at(former, [A, B], C)!.models.keys()]).toEqual([C]);
    expect(former.ways.size).toBe(2);
  });

  it("of which a member of an agreement gave no answer says nothing of whether they agree", () => {
    const silent = [said(A), failedCall(B), failedCall(B)];
    const former = counted(done(silent, [said(C)]));
    expect(at(former, [A, B])).toMatchObject(rowsOf({ rows: 1 }));
    expect(at(former, [A, B])!.models.get(B)).toMatchObject({ requests: 2, answers: 0 });
    expect(at(former, [A, B], C)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
  });

  it("that was repaired was done by that, or went on", () => {
    const mended = done([unfit(A)], [repair(A, { usage: usage(180, 25) })]);
    const notMended = done([unfit(A)], [repair(A, { outcome: "unfit", usage: usage(180, 35) })], [said(B)]);
    const former = counted(mended, notMended);
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 2, answered: 2, repaired: 2, repairDone: 1 }));
    expect(at(former, A)!.repairs).toMatchObject({ requests: 2, answers: 2, inputTokens: 360, outputTokens: 60 });
    // What a repair took is no answer's.
    expect(at(former, A)!.models.get(A)).toMatchObject({ answers: 2, inputTokens: 200 });
    expect(at(former, A, B)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
  });

  it("of which the repair failed as well, and ended it, was repaired without end", () => {
    const former = counted(ended("unfit", [unfit(A)], [repair(A, { outcome: "unfit" })]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 1, answered: 1, repaired: 1 }));
  });

  it("ended where the task says so of a failed check, or of a refusal", () => {
    const former = counted(ended("unfit", [unfit(A)]), ended("refused", [{ ...said(A), outcome: "refused" }]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 2, answered: 2, ended: 2 }));
    const exhausted = counted(ended("exhausted", [unfit(A)]));
    expect(at(exhausted, A)).toMatchObject(rowsOf({ rows: 1, answered: 1 }));
  });

  it("ended at its last step only", () => {
    const former = counted(ended("unfit", [unfit(A)], [unfit(B)]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 1, answered: 1 }));
    expect(at(former, A, B)).toMatchObject(rowsOf({ rows: 1, answered: 1, ended: 1 }));
  });

  it("that was refused and taken elsewhere went on", () => {
    const former = counted(done([{ ...said(A), outcome: "refused" }], [said(C)]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 1, answered: 1 }));
    expect(at(former, A, C)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
  });

  it("that was judged was done before that, whatever the judge said", () => {
    const passed = done([said(A)], [score(J, 9)]);
    const low = done([said(A)], [score(J, 4)], [said(B)], [score(J, 8)]);
    const former = counted(passed, low, done([said(A)]), ended("unfit", [said(A)], [score(J, 2)]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 4, answered: 4, done: 4 }));
    expect(at(former, A)!.scores).toEqual([0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0]);
    expect(at(former, A)!.judges.get(J)).toMatchObject({ requests: 3, answers: 3 });
    expect(at(former, A, B)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
    expect(at(former, A, B)!.scores[8]).toBe(1);
  });

  it("of which the agreed answer was judged was agreed upon", () => {
    const former = counted(done([said(A), said(B)], [score(J, 3)], [said(C)], [score(J, 9)]));
    expect(at(former, [A, B])).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
    expect(at(former, [A, B], C)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
  });

  it("that a judge sent to be repaired was done at first, and is judged again when it is put right", () => {
    const former = counted(
      done([said(A)], [score(J, 4)], [repair(A)], [score(J, 9)]),
      done([said(A)], [score(J, 4)], [repair(A, { outcome: "unfit" })], [said(B)]),
      done([said(A)], [score(J, 4)], [repair(A)], [score(J, 5)], [said(B)]),
    );
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 3, answered: 3, done: 3, repairDone: 2 }));
    expect(at(former, A)!.scores).toEqual([0, 0, 0, 0, 3, 1, 0, 0, 0, 1, 0]);
    expect(at(former, A)!.repairs).toMatchObject({ requests: 3, answers: 3 });
    expect(at(former, A, B)).toMatchObject(rowsOf({ rows: 2, answered: 2, done: 2 }));
  });

  it("that was repaired first, and judged then, was not done at first", () => {
    const former = counted(done([unfit(A)], [repair(A)], [score(J, 9)]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 1, answered: 1, repaired: 1, repairDone: 1 }));
  });

  it("has the calls of a second judge, whom the first one's silence left it to", () => {
    const former = counted(done([said(A)], [failedCall(J, "transient", { purpose: "judge" })], [score(K, 8)]));
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
    expect(at(former, A)!.judges.get(J)).toMatchObject({ requests: 1, answers: 0 });
    expect(at(former, A)!.judges.get(K)).toMatchObject({ requests: 1, answers: 1 });
  });

  it("has the calls that failed before the answer, and not those that were throttled", () => {
    const former = counted(
      done([failedCall(A), failedCall(A, "throttled"), failedCall(A, "uncertain", { usage: usage(100, 50) }), said(A)]),
      done([failedCall(A, "throttled"), said(A)]),
    );
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 2, answered: 2, done: 2 }));
    expect(at(former, A)!.models.get(A)).toMatchObject({ requests: 4, answers: 2, outputTokens: 40 });
  });

  it("whose call was made again from another queue job came to the same step", () => {
    const former = counted(done([failedCall(A, "unavailable")], [said(A)]), done([unfit(A)], [failedCall(B, "unavailable")], [said(B)]));
    expect([...former.ways.keys()].toSorted()).toEqual([wayKey([{ models: [A] }]), wayKey([{ models: [A] }, { models: [B] }])].toSorted());
    expect(at(former, A)).toMatchObject(rowsOf({ rows: 2, answered: 2, done: 1 }));
    expect(at(former, A, B)!.models.get(B)).toMatchObject({ requests: 2, answers: 1 });
  });

  it("whose agreement was asked again from another queue job, for one of its models had been away, came to the same step", () => {
    // What the breaker doesn't let through leaves no entry.
    const blocked = done([said(B, { purpose: "agree" })], [said(A), said(B)]);
    const broken = done([failedCall(A, "unavailable"), said(B)], [said(A), said(B)]);
    const former = counted(blocked, broken);
    expect([...former.ways.keys()]).toEqual([wayKey([{ models: [A, B] }])]);
    expect(at(former, [A, B])).toMatchObject(rowsOf({ rows: 2, answered: 2, done: 2 }));
  });

  it("that never came to its end, or was never called for, says nothing", () => {
    for (const code of ["cancelled", "expired", "patience", "lost", "crashed"] as const)
      expect(counted(ended(code, [said(A)], [score(J, 3)]))).toEqual(newFormerRows());
    expect(counted(failed(0, { error: { code: "bad-input", message: "no JSON" } }))).toEqual(newFormerRows());
    expect(counted(ended("invalid", [failedCall(A, "invalid")])).rows).toBe(0);
  });

  it("whose complexity was asked for begins with its first step, and the asking stands apart", () => {
    const asked = said(J, { purpose: "analyse", usage: usage(400, 12) });
    const lost = failedCall(J, "transient", { purpose: "analyse" });
    const former = counted(done([lost, asked], [said(A)]), done([asked], [said(B)]));
    expect(former.analyses.get(J)).toMatchObject({ requests: 3, answers: 2 });
    expect(meanInput(former.analyses.get(J)!).mean).toBe(400);
    expect(at(former, A)).toMatchObject({ ...rowsOf({ rows: 1, answered: 1, done: 1 }), firstInputTokens: 100 });
    expect(at(former, B)).toMatchObject(rowsOf({ rows: 1, answered: 1, done: 1 }));
    expect(former.ways.size).toBe(2);
  });
});

/** What is to be counted of rows, by what happened to them. */
function sumsOf(lives: readonly RowLife[]): FormerRows {
  const former = newFormerRows();
  for (const { steps, analyses } of lives) {
    for (const call of analyses) countCall(callsOf(former.analyses, call.model), call);
    if (steps.length === 0) continue;
    const first = steps[0]!.calls.find(({ outcome }) => ["answered", "unfit", "refused"].includes(outcome));
    const firstInput = first?.usage.inputTokens ?? 0;
    former.rows++;
    for (const [i, step] of steps.entries()) {
      const key = wayKey(steps.slice(0, i + 1));
      const tally = former.ways.get(key) ?? newStepTally();
      former.ways.set(key, tally);
      tally.rows++;
      tally.firstInputTokens += firstInput;
      if (firstInput > 0) tally.firstRows++;
      if (step.isAnswered) tally.answered++;
      if (step.isDone) tally.done++;
      if (step.isRepairAsked) tally.repaired++;
      if (step.isRepairDone) tally.repairDone++;
      if (step.isEnded) tally.ended++;
      for (const call of step.calls) countCall(callsOf(tally.models, call.model), call);
      for (const call of step.repairs) countCall(tally.repairs, call);
      countJudgements(tally, step.judgements);
    }
  }
  return former;
}

const aCall: fc.Arbitrary<ScriptedCall> = fc.record({
  ending: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("x" as const, "x" as const, "y" as const) },
    { weight: 5, arbitrary: fc.constantFrom(...ENDINGS) },
    { weight: 1, arbitrary: fc.constant("throttled" as const) },
  ),
  score: fc.integer({ min: 0, max: 10 }),
  inputTokens: fc.integer({ min: 1, max: 2_000 }),
  outputTokens: fc.integer({ min: 1, max: 500 }),
  latencyMs: fc.nat(60_000),
});
const aTask: fc.Arbitrary<TaskSpec> = fc
  .record({
    route: fc.constantFrom(
      routeSpec([A]),
      routeSpec([A, B, C]),
      routeSpec([[A, B], C]),
      routeSpec([A, [B, C]]),
      routeSpec([], { steps: [{ models: [A, B, C], agree: { need: 2 } }, { models: [K] }] }),
    ),
    onFail: fc.option(fc.constantFrom<OnFail>("repair", "escalate", "fail"), { nil: undefined }),
    isAnalysed: fc.boolean(),
    onRefusal: fc.constantFrom("fail" as const, "reroute" as const),
    attempts: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ route, onFail, isAnalysed, onRefusal, attempts }) =>
    taskSpec({
      route,
      onRefusal,
      attempts,
      ...(onFail === undefined ? {} : { judge: { models: [J, K], rubric: "Is it right?", passMark: 7, sample: 1, onFail } }),
      ...(isAnalysed ? { analyse: { kind: "model", model: J } as const } : {}),
    }),
  );
const aRun = fc.record({
  task: aTask,
  rows: fc.array(fc.record({ isSampled: fc.boolean(), script: fc.array(aCall, { minLength: 3, maxLength: 12 }) }), {
    minLength: 1,
    maxLength: 6,
  }),
});

function liveRun({ task, rows }: typeof aRun extends fc.Arbitrary<infer Run> ? Run : never): Promise<readonly RowLife[]> {
  return Promise.all(
    rows.map(({ isSampled, script }, row) => liveRow(row, { task, script, isJudged: isSampled && task.judge !== undefined })),
  );
}

describe("rows of former runs, as the fleet's own decisions lead them", () => {
  it("are counted as what happened to them", async () => {
    await fc.assert(
      fc.asyncProperty(aRun, async (run) => {
        const lives = await liveRun(run);
        expect(counted(...lives.map(({ result }) => result))).toEqual(sumsOf(lives));
      }),
      { numRuns: 300 },
    );
  });

  it("add up in whatever portions they come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aRun, { minLength: 1, maxLength: 3 }), async (runs) => {
        const results = (await Promise.all(runs.map(liveRun))).map((lives) => lives.map(({ result }) => result));
        const sum = newFormerRows();
        for (const portion of results) addFormerRows(sum, counted(...portion));
        expect(sum).toEqual(counted(...results.flat()));
      }),
      { numRuns: 60 },
    );
  });

  it("never end more often than they come, step by step", async () => {
    await fc.assert(
      fc.asyncProperty(aRun, async (run) => {
        const former = counted(...(await liveRun(run)).map(({ result }) => result));
        for (const [way, { rows, answered: whole, done: passed, repaired, ended: over, scores, judges }] of former.ways) {
          expect(whole, way).toBeLessThanOrEqual(rows);
          expect(passed + repaired + over, way).toBeLessThanOrEqual(whole);
          const read = Array.from(judges.values()).reduce((sum, { answers }) => sum + answers, 0);
          expect(
            scores.reduce((sum, count) => sum + count, 0),
            way,
          ).toBeLessThanOrEqual(read);
          const before = former.ways.get(way.split(">").slice(0, -1).join(">"));
          expect(rows, way).toBeLessThanOrEqual(before ? before.rows - before.ended : former.rows);
        }
      }),
      { numRuns: 60 },
    );
  });
});
