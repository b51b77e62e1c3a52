import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { expectCalls, worstCalls } from "../../src/plan/expect-calls.ts";
import type { ModelKnowledge, PathKnowledge, Range, StepKnowledge } from "../../src/plan/plan.ts";

const even = (value: number): Range => ({ low: value, expected: value, high: value });

function model(id: string, changes: Partial<ModelKnowledge> = {}): ModelKnowledge {
  return {
    model: id as ModelId,
    answerRate: 1,
    inputFactor: even(1),
    outputTokens: even(100),
    latencyMs: even(500),
    slowLatencyMs: even(900),
    ...changes,
  };
}

function step(doneRate: number, ...models: readonly ModelKnowledge[]): StepKnowledge {
  return { step: { models: models.map((each) => each.model) }, doneRate: even(doneRate), models };
}

function path(...steps: readonly StepKnowledge[]): PathKnowledge {
  return { steps, judgePassRate: even(1) };
}

const PLAIN = { attempts: 4, checks: [] };
const [A, B, C] = [model("v/a"), model("v/b"), model("w/c")];

/** Requests by model and purpose. */
function counts(calls: ReturnType<typeof expectCalls>): Readonly<Record<string, number>> {
  return Object.fromEntries(calls.map((each) => [`${each.model} ${each.purpose}`, Number(each.requests.toFixed(6))]));
}

describe("the calls to be expected for a row", () => {
  it("are one where the first model's answers pass", () => {
    expect(counts(expectCalls(PLAIN, path(step(1, A), step(1, B)), "expected"))).toEqual({ "v/a answer": 1 });
  });

  it("of a cascade are all members of the agreement, and the next step for the share that disagrees", () => {
    expect(counts(expectCalls(PLAIN, path(step(0.8, A, B), step(1, C)), "expected"))).toEqual({
      "v/a agree": 1,
      "v/b agree": 1,
      "w/c answer": 0.2,
    });
  });

  it("repeat what fails, up to the task's attempts, and only answers are paid", () => {
    const [call] = expectCalls({ ...PLAIN, attempts: 2 }, path(step(1, model("v/a", { answerRate: 0.5 }))), "expected");
    expect(call).toMatchObject({ requests: 1.5, answers: 0.75 });
  });

  it("go to the next model when a check fails, after one repair where the task asks for it, or end", () => {
    const schema = (onFail: "repair" | "escalate" | "fail") => ({ ...PLAIN, checks: [{ kind: "schema" as const, onFail }] });
    const two = path(step(0.5, A), step(1, B));
    expect(counts(expectCalls(schema("escalate"), two, "expected"))).toEqual({ "v/a answer": 1, "v/b answer": 0.5 });
    expect(counts(expectCalls(schema("repair"), two, "expected"))).toEqual({ "v/a answer": 1, "v/a repair": 0.5, "v/b answer": 0.25 });
    expect(counts(expectCalls(schema("fail"), two, "expected"))).toEqual({ "v/a answer": 1 });
  });

  it("hold the judge's share of what passed, and an analysis of every row", () => {
    const judge = { models: [C.model], rubric: "Is it right?", passMark: 7, sample: 0.25, onFail: "escalate" as const };
    const judged = { ...step(0.8, A), judge: C };
    const found = expectCalls({ ...PLAIN, judge }, { steps: [judged], judgePassRate: even(1), analysis: B }, "expected");
    expect(counts(found)).toEqual({ "v/b analyse": 1, "v/a answer": 1, "w/c judge": 0.2 });
  });

  it("are never more than in the worst case, and never fewer than one for each row", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.constantFrom("repair" as const, "escalate" as const, "fail" as const), (first, second, onFail) => {
        const task = { ...PLAIN, checks: [{ kind: "schema" as const, onFail }] };
        const both = path(step(first, A, B), step(second, C));
        const expected = expectCalls(task, both, "expected").reduce((sum, each) => sum + each.requests, 0);
        const worst = worstCalls(task, both, () => 1_000).reduce((sum, each) => sum + each.requests, 0);
        expect(expected).toBeLessThanOrEqual(worst + 1e-9);
        expect(expected).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe("the worst case", () => {
  it("is every step once, with its repair, and answers as long as they may be", () => {
    const task = { ...PLAIN, checks: [{ kind: "schema" as const, onFail: "repair" as const }] };
    const calls = worstCalls(task, path(step(1, A), step(1, B, C)), (id) => (id === A.model ? 10 : 20));
    expect(counts(calls)).toEqual({ "v/a answer": 1, "v/a repair": 1, "v/b agree": 1, "w/c agree": 1 });
    expect(calls.map(({ outputTokens }) => outputTokens)).toEqual([10, 10, 20, 20]);
  });
});
