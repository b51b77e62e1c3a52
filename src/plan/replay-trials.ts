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
  /** The call that brought its first version. */
  readonly call: TrailEntry;
  readonly repairs: readonly TrailEntry[];
  /** Judgements of it. */
  readonly judged: readonly TrailEntry[];
}

/** What each model said to one row; a model is missing where it was not asked. */
export type TrialRow = ReadonlyMap<ModelId, TrialAnswer>;

/** Step by step. `agrees`: whether enough of a step's answers say the same. Rows that not all models of the path were asked are left out. */
export function replayTrials(path: readonly Step[], rows: readonly TrialRow[], agrees: Agrees): readonly StepTally[] {
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
      const isDone = step.models.length === 1 ? countAlone(tally, said[0]!) : countTogether(agrees, tally, step, said);
      if (!isDone) failed.push(row);
    }
    left = failed;
    return tally;
  });
}

type Agrees = (step: Step, answers: readonly { readonly answer: Answer }[]) => boolean;

/** Whether the step ends the row, but for its judge's word. */
function countAlone(tally: StepTally, { call, repairs, judged }: TrialAnswer): boolean {
  const isDone = call.outcome === "answered";
  const isMended = repairs.at(-1)?.outcome === "answered";
  for (const repair of repairs) countCall(tally.repairs, repair);
  if (isDone) tally.done++;
  else if (repairs.length > 0) tally.repaired++;
  else tally.untold++;
  if (isMended) tally.repairDone++;
  countJudgements(tally, judged);
  return isDone || isMended;
}

function countTogether(agrees: Agrees, tally: StepTally, step: Step, said: readonly TrialAnswer[]): boolean {
  const isDone = agrees(
    step,
    said.flatMap(({ answer }) => (answer ? [{ answer }] : [])),
  );
  if (!isDone) {
    tally.untold++;
    return false;
  }
  tally.done++;
  // Which of those that agree is judged makes no difference to what judging takes.
  countJudgements(tally, said[0]!.judged);
  return true;
}
