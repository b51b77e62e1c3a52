// A path played through with the answers of trials, where every model was asked the same rows: which share of the rows each step ends, and what the rows that
// come to a later step are like. Those are the hard ones: their answers are longer than the mean.

import type { ModelId } from "../job/names.ts";
import type { Answer } from "../job/outcome.ts";
import type { Step } from "../job/task.ts";

export interface TrialAnswer {
  /** Absent: it failed its checks, or was refused. */
  readonly answer?: Answer;
  /** As the vendor counted. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What each model said to one row; a model is missing where it was not asked. */
export type TrialRow = ReadonlyMap<ModelId, TrialAnswer>;

export interface ReplayedModel {
  readonly outputTokens: number;
  /** Standard deviation. */
  readonly outputScatter: number;
  /** Mean input of the rows that came to the step, relative to that of all rows. */
  readonly inputShare: number;
}

export interface ReplayedStep {
  /** Rows that came to the step, and those that it ended. */
  readonly reached: number;
  readonly done: number;
  readonly models: ReadonlyMap<ModelId, ReplayedModel>;
}

/** `agrees`: whether enough of a step's answers say the same. Rows that not all models of the path were asked are left out. */
export function replayTrials(
  path: readonly Step[],
  rows: readonly TrialRow[],
  agrees: (step: Step, answers: readonly { readonly answer: Answer }[]) => boolean,
): readonly ReplayedStep[] {
  const models = new Set(path.flatMap((step) => step.models));
  const whole = rows.filter((row) => Array.from(models).every((model) => row.has(model)));
  const meanInput = new Map(Array.from(models, (model) => [model, meanOf(whole, (row) => row.get(model)!.inputTokens)]));
  let left = whole;
  return path.map((step): ReplayedStep => {
    const isDone = (row: TrialRow) => {
      const answers = step.models.flatMap((model) => {
        const answer = row.get(model)?.answer;
        return answer ? [{ answer }] : [];
      });
      return step.models.length === 1 ? answers.length === 1 : agrees(step, answers);
    };
    const reached = left;
    left = reached.filter((row) => !isDone(row));
    return {
      reached: reached.length,
      done: reached.length - left.length,
      models: new Map(
        step.models.map((model) => {
          const outputTokens = meanOf(reached, (row) => row.get(model)!.outputTokens);
          const variance = meanOf(reached, (row) => (row.get(model)!.outputTokens - outputTokens) ** 2);
          const inputShare = reached.length === 0 ? 1 : meanOf(reached, (row) => row.get(model)!.inputTokens) / (meanInput.get(model) || 1);
          return [model, { outputTokens, outputScatter: Math.sqrt(variance), inputShare }];
        }),
      ),
    };
  });
}

function meanOf(rows: readonly TrialRow[], of: (row: TrialRow) => number): number {
  return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
}
