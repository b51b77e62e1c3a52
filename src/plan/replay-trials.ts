// A path played through with the answers of trials, where every model was asked the same rows: which share of the rows each step ends, and what the rows that
// come to a later step are like. Those are the hard ones: their answers are longer than the mean.

import type { ModelId } from "../job/names.ts";
import type { Answer } from "../job/outcome.ts";
import type { Step } from "../job/task.ts";
import type { TrailEntry } from "../job/trail.ts";
import { callsOf, countCall, countJudgements, newStepTally, type StepTally } from "./step-sums.ts";

export interface TrialAnswer {
  /** Absent: it failed its checks, was refused, or a judge did not let it pass. */
  readonly answer?: Answer;
  /** The call that brought it. */
  readonly call: TrailEntry;
  /** Judgements of it. */
  readonly judged: readonly TrailEntry[];
}

/** What each model said to one row; a model is missing where it was not asked. */
export type TrialRow = ReadonlyMap<ModelId, TrialAnswer>;

/** Step by step. `agrees`: whether enough of a step's answers say the same. Rows that not all models of the path were asked are left out. */
export function replayTrials(
  path: readonly Step[],
  rows: readonly TrialRow[],
  agrees: (step: Step, answers: readonly { readonly answer: Answer }[]) => boolean,
): readonly StepTally[] {
  const models = [...new Set(path.flatMap((step) => step.models))];
  const first = path[0]?.models[0];
  let left = rows.filter((row) => models.every((model) => row.has(model)));
  return path.map((step): StepTally => {
    const tally = newStepTally();
    const failed: TrialRow[] = [];
    for (const row of left) {
      const said = step.models.map((model) => ({ model, ...row.get(model)! }));
      for (const { model, call } of said) countCall(callsOf(tally.models, model), call);
      const answers = said.flatMap(({ answer }) => (answer ? [{ answer }] : []));
      const isDone = step.models.length === 1 ? said.every(({ call }) => call.outcome === "answered") : agrees(step, answers);
      tally.rows++;
      tally.answered++;
      tally.firstInputTokens += first ? row.get(first)!.call.usage.inputTokens : 0;
      // Which of those that agree is judged makes no difference to what judging takes.
      if (isDone) tally.done++;
      if (isDone) countJudgements(tally, said[0]!.judged);
      else failed.push(row);
    }
    left = failed;
    return tally;
  });
}
