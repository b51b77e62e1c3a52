// The routes that compete to be recommended: every single model and every cascade worth a look, each with its cost and with what may be
// expected of its quality against what is to be held.

import type { Step } from "../job/task.ts";
import { candidates, type Candidate } from "./candidates.ts";
import type { Option } from "./choose.ts";
import { estimateGaps } from "./gap-estimate.ts";
import { pairedEstimate, type Estimate } from "./intervals.ts";
import { replay } from "./replay.ts";
import { mean, type Column, type Sample } from "./sample.ts";

/** A route under consideration. `toBest`: what may be expected of it against the best single model. */
export interface Contender extends Option {
  readonly steps: readonly Step[];
  readonly toBest: Estimate;
  readonly candidate?: Candidate;
}

/** What is to be held, as a difference to the best model's quality, and how well that difference is known. */
export interface Holding {
  readonly offset: number;
  /** Of the best model's own quality: it matters where a floor is given, and cancels out where the model itself is held. */
  readonly variance: number;
}

export function holding({ rows }: Sample, best: Column, floor: number | undefined): Holding {
  if (floor === undefined) return { offset: 0, variance: 0 };
  // Agresti and Coull's two more of either kind: a model that was always right isn't known to be.
  const share = (best.quality * rows + 2) / (rows + 4);
  return { offset: floor - best.quality, variance: (share * (1 - share)) / (rows + 4) };
}

/** The single models and the short cascades. */
export function contend(sample: Sample, best: Column, held: Holding): readonly Contender[] {
  const singles = sample.columns.map((column): Contender => {
    const toBest = column === best ? { mean: 0, variance: 0 } : pairedEstimate(column.isRight, best.isRight);
    return restate({ steps: [{ models: [column.id] }], costNanoUsd: column.meanCostNanoUsd, toBest, gap: toBest }, held);
  });
  return [...singles, ...contendWith(sample, best, held, candidates(sample, best, held.offset))];
}

export function contendWith(sample: Sample, best: Column, held: Holding, list: readonly Candidate[]): readonly Contender[] {
  const replayed = list.map((candidate) => ({ candidate, replay: replay(sample, candidate.steps) }));
  const gaps = estimateGaps(replayed, best);
  return replayed.map(({ candidate, replay: { costNanoUsd } }, index): Contender => {
    const toBest = gaps[index]!;
    return restate({ steps: candidate.steps, candidate, costNanoUsd: mean(costNanoUsd), toBest, gap: toBest }, held);
  });
}

/** The same route, its gap measured from what is to be held. */
export function restate(contender: Contender, { offset, variance }: Holding): Contender {
  const { mean, variance: own } = contender.toBest;
  return { ...contender, gap: { mean: mean - offset, variance: own + variance } };
}
