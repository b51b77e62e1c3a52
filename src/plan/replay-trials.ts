// A path played through with the answers of trials, where every model was asked the same rows: which share of the rows each step ends, and what the rows that
// come to a later step are like. Those are the hard ones: their answers are longer than the mean.

import type { ModelId } from "../job/names.ts";
import type { Answer } from "../job/outcome.ts";
import type { Step } from "../job/task.ts";
import type { TrailEntry } from "../job/trail.ts";
import { callsOf, countCall, countJudgements, newStepTally, type StepTally } from "./step-sums.ts";

export interface TrialAnswer {
  /** Whatever a judge said of it. Absent: it failed its checks, was refused, or wasn't kept. */
  readonly answer?: Answer;
  /** The call that brought its first version. */
  readonly call: TrailEntry;
  readonly repairs: readonly TrailEntry[];
  /** Judgements of it. */
  readonly judged: readonly TrailEntry[];
}

/** What each model said to one row; a model is missing where it was not asked. */
export type TrialRow = ReadonlyMap<ModelId, TrialAnswer>;

/** Step by step. `agreed`: the first of a step's answers that enough say. Rows that not all models of the path were asked are left out. */
export function replayTrials(path: readonly Step[], rows: readonly TrialRow[], agreed: Agreed): readonly StepTally[] {
  const models = [...new Set(path.flatMap((step) => step.models))];
  const first = path[0]?.models[0];
  let left = rows.filter((row) => models.every((model) => row.has(model)));
  return path.map((step): StepTally => {
    const tally = newStepTally();
    const failed: TrialRow[] = [];
    for (const row of left) {
      const said = step.models.map((model) => ({ model, ...row.get(model)! }));
      for (const { model, call } of said) countCall(callsOf(tally.models, model), call);
      tally.rows++;
      tally.answered++;
      const firstInput = first ? row.get(first)!.call.usage.inputTokens : 0;
      tally.firstInputTokens += firstInput;
      if (firstInput > 0) tally.firstRows++;
      const isDone = step.models.length === 1 ? countAlone(tally, said[0]!) : countTogether(agreed, tally, step, said);
      if (!isDone) failed.push(row);
    }
    left = failed;
    return tally;
  });
}

type Agreed = <Each extends { readonly answer: Answer }>(step: Step, answers: readonly Each[]) => Each | undefined;

/** Whether the step ends the row, but for its judge's word. */
function countAlone(tally: StepTally, { call, repairs, judged }: TrialAnswer): boolean {
  const isDone = call.outcome === "answered";
  if (isDone) tally.done++;
  else if (repairs.length > 0) tally.repaired++;
  else tally.untold++;
  return countBehind(tally, { repairs, judged }) || isDone;
}

function countTogether(agreed: Agreed, tally: StepTally, step: Step, said: readonly TrialAnswer[]): boolean {
  // Of several answers none is repaired for a check that it failed.
  const first = agreed(
    step,
    said.flatMap(({ answer, ...rest }) => (answer && rest.call.outcome === "answered" ? [{ ...rest, answer }] : [])),
  );
  if (!first) {
    tally.untold++;
    return false;
  }
  tally.done++;
  countBehind(tally, first);
  return true;
}

/** Whether a repair helped. */
function countBehind(tally: StepTally, { repairs, judged }: Pick<TrialAnswer, "repairs" | "judged">): boolean {
  const isMended = repairs.at(-1)?.outcome === "answered";
  for (const repair of repairs) countCall(tally.repairs, repair);
  if (isMended) tally.repairDone++;
  countJudgements(tally, judged);
  return isMended;
}
