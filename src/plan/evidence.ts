// What was seen of a path's steps: rows of former runs that came to each of them by the same way, and trials of all the path's models, played through. And what
// was seen of a model anywhere, for want of that.

import type { ModelId } from "../job/names.ts";
import type { Answer } from "../job/outcome.ts";
import type { Step } from "../job/task.ts";
import { agreedAnswer } from "../routing/agreement.ts";
import type { FormerRows } from "./former-rows.ts";
import { replayTrials } from "./replay-trials.ts";
import {
  addCalls,
  addSteps,
  callsOf,
  countCall,
  countJudgements,
  newCallTally,
  newStepTally,
  wayKey,
  type CallTally,
  type StepTally,
} from "./step-sums.ts";
import type { Trials } from "./trials.ts";

export interface SeenStep {
  readonly tally: StepTally;
  /** By how much the rows that came are longer than all rows of the path, in the vendor's tokens. */
  readonly longer: number;
  /** There is something of it, and all is of rows of the file that is planned. */
  readonly isWithin: boolean;
}

export interface Evidence {
  /** Step by step; a step nobody came to has no rows. */
  of(path: readonly Step[]): readonly SeenStep[];
  /** Of rows that came to a step first, which are as all rows are. */
  ofFirst(step: Step): StepTally | undefined;
  /** Every answer of the model, however its row came to it. */
  ofModel(model: ModelId): CallTally;
  /** Those to rows of the file that is planned. */
  within(model: ModelId): CallTally | undefined;
  readonly former: FormerRows;
  /** Judged answers of the whole task, by score. */
  readonly scores: readonly number[];
  readonly judges: ReadonlyMap<ModelId, CallTally>;
  readonly analyses: ReadonlyMap<ModelId, CallTally>;
}

/** Fewer trials of the whole path are not played through: what they say of single models is known otherwise. */
const LEAST_TRIALS = 10;

export function createEvidence(former: FormerRows, trials: Trials): Evidence {
  const agreed = <Each extends { readonly answer: Answer }>({ agree, models }: Step, answers: readonly Each[]) =>
    agreedAnswer(answers, agree ?? {}, models.length);
  const all = newStepTally();
  for (const tally of former.ways.values()) addSteps(all, tally);
  const tried = new Map<ModelId, CallTally>();
  for (const row of trials.rows) {
    for (const [model, { call, repairs, judged }] of row) {
      countCall(callsOf(tried, model), call);
      for (const repair of repairs) countCall(all.repairs, repair);
      countJudgements(all, judged);
    }
  }

  return {
    of(path) {
      const replayed = replayTrials(path, trials.rows, agreed);
      const isReplayed = (replayed[0]?.rows ?? 0) >= LEAST_TRIALS;
      const steps = path.map((_, i) => {
        const tally = newStepTally();
        const seen = former.ways.get(wayKey(path.slice(0, i + 1)));
        if (seen) addSteps(tally, seen);
        if (isReplayed) addSteps(tally, replayed[i]!);
        return { tally, isWithin: isReplayed && trials.isWithin === true && seen === undefined };
      });
      const meanFirst = ({ firstRows, firstInputTokens }: StepTally) => (firstRows > 0 ? firstInputTokens / firstRows : 0);
      const first = steps[0] && meanFirst(steps[0].tally);
      return steps.map(({ tally, isWithin }) => {
        return { tally, isWithin, longer: tally.firstRows > 0 && first ? meanFirst(tally) - first : 0 };
      });
    },
    ofFirst: (step) => former.ways.get(wayKey([step])),
    ofModel(model) {
      const sum = newCallTally();
      for (const tallies of [all.models, tried]) {
        const found = tallies.get(model);
        if (found) addCalls(sum, found);
      }
      return sum;
    },
    within: (model) => (trials.isWithin ? tried.get(model) : undefined),
    former,
    scores: all.scores,
    judges: all.judges,
    analyses: former.analyses,
  };
}
