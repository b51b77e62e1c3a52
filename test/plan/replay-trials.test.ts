import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer } from "../../src/job/outcome.ts";
import type { Step } from "../../src/job/task.ts";
import { replayTrials, type TrialAnswer, type TrialRow } from "../../src/plan/replay-trials.ts";

const [A, B, C]: readonly ModelId[] = ["v/a", "v/b", "w/c"];
const PATH: readonly Step[] = [{ models: [A!, B!], agree: {} }, { models: [C!] }];

function said(text: string | undefined, outputTokens = 10, inputTokens = 100): TrialAnswer {
  const answer: Answer = { text: text ?? "", finish: { unified: "stop", raw: null } };
  return { inputTokens, outputTokens, ...(text === undefined ? {} : { answer }) };
}

function row(...answers: readonly TrialAnswer[]): TrialRow {
  return new Map([A!, B!, C!].flatMap((id, i) => (answers[i] ? [[id, answers[i]] as const] : [])));
}

const agrees = (_step: Step, answers: readonly { readonly answer: Answer }[]) =>
  answers.length === 2 && answers[0]!.answer.text === answers[1]!.answer.text;

describe("a path played through with trials", () => {
  it("leads rows on whose answers disagree, and tells what those are like", () => {
    const easy = row(said("1"), said("1"), said("1", 20));
    const hard = row(said("1", 30, 300), said("2", 30, 300), said("3", 80, 300));
    const [first, second] = replayTrials(PATH, [easy, easy, easy, hard], agrees);
    expect(first).toMatchObject({ reached: 4, done: 3 });
    expect(second).toMatchObject({ reached: 1, done: 1 });
    expect(first!.models.get(A!)).toMatchObject({ outputTokens: 15, inputShare: 1 });
    expect(second!.models.get(C!)).toMatchObject({ outputTokens: 80, inputShare: 2 });
  });

  it("leads rows on whose answer failed its checks", () => {
    const [first] = replayTrials(
      [{ models: [C!] }],
      [row(said("1"), said("1"), said(undefined)), row(said("1"), said("1"), said("1"))],
      agrees,
    );
    expect(first).toMatchObject({ reached: 2, done: 1 });
  });

  it("leaves rows out that not every model was asked", () => {
    expect(replayTrials(PATH, [row(said("1"), said("1"))], agrees)[0]).toMatchObject({ reached: 0, done: 0 });
  });
});
