// Former runs of a task: those whose rows are like the ones that are planned, and all of them together.

import type { ModelId } from "../job/names.ts";
import { addFormerRows, newFormerRows, type FormerRows } from "./former-rows.ts";
import { isFirst, type CountTally } from "./step-sums.ts";
import type { TakenByModel } from "./taken-calls.ts";

export interface FormerRun {
  readonly batch: string;
  /** Unix ms of its last result, as far as it was read. */
  readonly at: number;
  readonly former: FormerRows;
  readonly taken: TakenByModel;
}

/** Rows this much longer or shorter are another kind of work. */
const ALIKE = 1.3;
const LEAST_ROWS = 50;

/** Those whose rows are about as long as these are, if there are enough; else all. `inputTokens`: our count of these, for a model. */
export function likeRuns(runs: readonly FormerRun[], inputTokens: (model: ModelId) => number): readonly FormerRun[] {
  const isAlike = (model: ModelId, { calls, ours }: CountTally) => {
    const [before, now] = [ours / Math.max(1, calls), inputTokens(model)];
    return calls === 0 || (before < now * ALIKE && now < before * ALIKE);
  };
  const alike = runs.filter(({ former }) =>
    Array.from(former.ways)
      .filter(([way]) => isFirst(way))
      .every(([, { models }]) => Array.from(models).every(([model, { counts }]) => isAlike(model, counts))),
  );
  return alike.reduce((sum, { former }) => sum + former.rows, 0) >= LEAST_ROWS ? alike : runs;
}

export function togetherOf(runs: readonly FormerRun[]): FormerRows {
  const all = newFormerRows();
  for (const { former } of runs) addFormerRows(all, former);
  return all;
}
