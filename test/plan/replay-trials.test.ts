import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer } from "../../src/job/outcome.ts";
import type { Step } from "../../src/job/task.ts";
import { replayTrials, type TrialAnswer, type TrialRow } from "../../src/plan/replay-trials.ts";
import { meanInput, meanOutput } from "../../src/plan/call-means.ts";
import { trailEntry } from "../results/sample-results.ts";
import { score, usage } from "./row-trail.ts";

const [A, B, C] = ["v/a", "v/b", "w/c"] as const satisfies readonly ModelId[];
const CASCADE: readonly Step[] = [{ models: [A, B], agree: {} }, { models: [C] }];
const ALONE: readonly Step[] = [{ models: [C] }];

/** What a model says to a row: a text that passes its checks, or nothing that does. */
type Said = (model: ModelId) => TrialAnswer;

function says(text: string, { output = 10, input = 100, scores = [] as readonly number[] } = {}): Said {
  const answer: Answer = { text, finish: { unified: "stop", raw: null } };
  return (model) => ({
    answer,
    call: trailEntry({ model, usage: usage(input, output) }),
    repairs: [],
    judged: scores.map((points) => trailEntry(score("j/1", points))),
  });
}

/** Paid all the same. */
function fails(outcome: "unfit" | "refused" = "unfit"): Said {
  return (model) => ({ call: trailEntry({ model, outcome, usage: usage(100, 5) }), repairs: [], judged: [] });
}

/** A first answer that fails, and one more, at 140 tokens of input and 12 of output. */
function repairs(outcome: "answered" | "unfit"): Said {
  return (model) => ({ ...fails()(model), repairs: [trailEntry({ model, purpose: "repair", outcome, usage: usage(140, 12) })] });
}

/** By A, B and C, as far as they were asked. */
function row(...said: readonly (Said | undefined)[]): TrialRow {
  return new Map([A, B, C].flatMap((model, i) => (said[i] ? [[model, said[i](model)] as const] : [])));
}

/** All of a step's answers are there and say the same. */
const agreed = <Each extends { readonly answer: Answer }>({ models }: Step, answers: readonly Each[]) =>
  answers.length === models.length && new Set(answers.map(({ answer }) => answer.text)).size === 1 ? answers[0] : undefined;

describe("a path played through with trials", () => {
  it("leads rows on whose answers disagree, and tells what those are like", () => {
    const easy = row(says("1"), says("1"), says("1", { output: 20 }));
    const hard = row(says("1", { output: 30, input: 300 }), says("2", { output: 30, input: 300 }), says("3", { output: 80, input: 330 }));
    const [first, second] = replayTrials(CASCADE, [easy, easy, easy, hard], agreed);
    expect(first).toMatchObject({ rows: 4, answered: 4, done: 3, firstInputTokens: 600 });
    expect(meanOutput(first!.models.get(A)!).mean).toBe(15);
    expect(first!.models.get(B)).toMatchObject({ requests: 4, answers: 4 });
    expect(second).toMatchObject({ rows: 1, answered: 1, done: 1, firstInputTokens: 300 });
    expect(meanOutput(second!.models.get(C)!).mean).toBe(80);
    expect(meanInput(second!.models.get(C)!).mean).toBe(330);
    expect([...second!.models.keys()]).toEqual([C]);
  });

  it("leads rows on whose answer failed its checks, or was refused", () => {
    const path: readonly Step[] = [{ models: [A] }, { models: [C] }];
    const [first, second] = replayTrials(
      path,
      [row(fails(), undefined, says("1")), row(fails("refused"), undefined, fails()), row(says("1"), undefined, says("1"))],
      agreed,
    );
    expect(first).toMatchObject({ rows: 3, answered: 3, done: 1 });
    expect(second).toMatchObject({ rows: 2, answered: 2, done: 1 });
    expect(first!.models.get(A)).toMatchObject({ requests: 3, answers: 3, outputTokens: 20 });
  });

  it("keeps rows whose answer was mended, and leads on those for which that didn't help", () => {
    const path: readonly Step[] = [{ models: [A] }, { models: [C] }];
    const rows = [repairs("answered"), repairs("unfit"), fails(), says("1")].map((said) => row(said, undefined, says("1")));
    const [first, second] = replayTrials(path, rows, agreed);
    expect(first).toMatchObject({ rows: 4, answered: 4, done: 1, repaired: 2, repairDone: 1 });
    expect(first!.repairs).toMatchObject({ answers: 2, inputTokens: 280, outputTokens: 24 });
    expect(second).toMatchObject({ rows: 2, done: 2 });
  });

  it("counts an answer that is missing against an agreement", () => {
    const majority: readonly Step[] = [{ models: [A, B, C], agree: { need: 2 } }];
    const enough = <Each extends { readonly answer: Answer }>({ agree }: Step, answers: readonly Each[]) =>
      answers.filter(({ answer }) => answer.text === answers[0]?.answer.text).length >= agree!.need! ? answers[0] : undefined;
    const rows = [row(says("1"), fails(), says("1")), row(says("1"), fails(), says("2"))];
    expect(replayTrials(majority, rows, enough)[0]).toMatchObject({ rows: 2, done: 1 });
    expect(replayTrials(CASCADE, rows, agreed)[0]).toMatchObject({ rows: 2, done: 0 });
  });

  it("leaves out rows that not every model of the path was asked", () => {
    const half = row(says("1"), says("1"));
    const whole = row(says("1"), says("1"), says("1"));
    expect(replayTrials(CASCADE, [half, whole], agreed)[0]).toMatchObject({ rows: 1, done: 1 });
    expect(replayTrials(CASCADE, [half], agreed).map(({ rows }) => rows)).toEqual([0, 0]);
    expect(replayTrials([{ models: [A, B], agree: {} }], [half], agreed)[0]).toMatchObject({ rows: 1 });
  });

  it("keeps a low score apart from a failed check: what is judged is done, and how well stands in the scores", () => {
    const low: Said = (model) => {
      const { answer: _taken, ...rest } = says("1", { scores: [3] })(model);
      return rest;
    };
    const [first] = replayTrials(
      ALONE,
      [row(undefined, undefined, says("1", { scores: [9] })), row(undefined, undefined, low), row(undefined, undefined, fails())],
      agreed,
    );
    expect(first).toMatchObject({ rows: 3, done: 2 });
    expect(first!.scores).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
    expect(first!.judges.get("j/1")).toMatchObject({ answers: 2 });
  });

  it("judges an agreed answer once, and one that nobody agreed with not at all", () => {
    const judged = says("1", { scores: [8] });
    const [first] = replayTrials(CASCADE, [row(judged, judged, says("1")), row(judged, says("2", { scores: [8] }), says("1"))], agreed);
    expect(first!.judges.get("j/1")).toMatchObject({ answers: 1 });
  });

  it("judges the first of those that agree, whatever the judge said of the others", () => {
    const [passed, low] = [says("1", { scores: [8] }), says("1", { scores: [3] })];
    const [first, second] = replayTrials(CASCADE, [row(passed, low, says("1")), row(low, low, says("1"))], agreed);
    expect(first).toMatchObject({ rows: 2, done: 2, untold: 0 });
    expect(first!.scores).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
    expect(second).toMatchObject({ rows: 0 });
  });

  it("repairs an agreed answer by its judge's word, and none of those that failed a check", () => {
    const text = says("1")(A).answer!;
    const mended: Said = (model) => ({ ...repairs("answered")(model), answer: text });
    const judgedTwice: Said = (model) => ({
      ...says("1", { scores: [3, 8] })(model),
      repairs: repairs("answered")(model).repairs,
    });
    const [first] = replayTrials(CASCADE, [row(judgedTwice, says("1"), says("1")), row(mended, says("1"), says("1"))], agreed);
    expect(first).toMatchObject({ rows: 2, done: 1, untold: 1, repairDone: 1 });
    expect(first!.repairs).toMatchObject({ answers: 1, outputTokens: 12 });
    expect(first!.judges.get("j/1")).toMatchObject({ answers: 2 });
  });

  it("takes every row once: each step has what the one before it led on", () => {
    const said = fc.constantFrom("1", "2", undefined).map((text) => (text === undefined ? fails() : says(text)));
    const rows = fc.array(
      fc.tuple(said, said, said).map((each) => row(...each)),
      { maxLength: 40 },
    );
    const paths: readonly (readonly Step[])[] = [CASCADE, ALONE, [{ models: [A] }, { models: [B, C], agree: {} }]];
    fc.assert(
      fc.property(rows, fc.constantFrom(...paths), (trials, path) => {
        const steps = replayTrials(path, trials, agreed);
        expect(steps).toHaveLength(path.length);
        let left = trials.length;
        for (const [i, { rows: came, answered, done, models, firstInputTokens }] of steps.entries()) {
          expect(came).toBe(left);
          expect([answered, firstInputTokens]).toEqual([came, 100 * came]);
          expect(done).toBeLessThanOrEqual(came);
          for (const model of path[i]!.models) expect(models.get(model)?.answers ?? 0).toBe(came);
          left = came - done;
        }
      }),
    );
  });
});
