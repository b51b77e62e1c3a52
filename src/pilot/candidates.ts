// The cascades that the pilot looks at: few, and each for a reason. Every one ends in the best single model or in a cheaper one that the
// sample can't tell from it: then only what its opening lets through can make it worse, which is few rows and can be estimated well. And
// the opening must be cheap enough to save something.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import { discordant, pairedDifference } from "./intervals.ts";
import type { Column, Sample } from "./sample.ts";

/** What comes before the last step. */
export interface Opening {
  readonly steps: readonly Step[];
  readonly models: readonly Column[];
  /** Openings of one kind can be expected to err in the same measure, given how often their models do. */
  readonly kind: string;
  /** Proportional to how often it should let a wrong answer through, were its models' mistakes as alike as those of its kind. */
  readonly exposure: number;
}

export interface Candidate {
  readonly steps: readonly Step[];
  readonly opening: Opening;
  /** The last model. */
  readonly ender: Column;
}

/** Openings that cost more than this share of the last model leave too little to save: every row pays them, and some pay both. */
const DEAREST_OPENING = 0.8;
/** Beyond, the number of draws grows and what there is to win doesn't. */
const MOST_ENDERS = 4;

/**
 * All short cascades: a model whose checks decide, two or three models that must agree, two of three. `held`: the quality to be held, less
 * the best model's.
 */
export function candidates(sample: Sample, best: Column, held: number): readonly Candidate[] {
  const openings = shortOpenings(sample, DEAREST_OPENING * best.meanCostNanoUsd);
  return enders(sample, best, held).flatMap((ender) => endIn(openings, ender));
}

/**
 * The cascade with one more agreement of two before its last step: rows that the first models can't agree on are often ones that two others
 * can. Tried for what is recommended only, or it would multiply the draws.
 */
export function longerCandidates(sample: Sample, { opening, ender }: Candidate): readonly Candidate[] {
  const others = sample.columns.filter((column) => column !== ender && !opening.models.includes(column));
  const openings = subsets(others, 2).map((pair): Opening => ({
    steps: [...opening.steps, agree(pair)],
    models: [...opening.models, ...pair],
    kind: `${opening.kind}, then 2 of 2`,
    exposure: opening.exposure + product(pair, sample.rows),
  }));
  return endIn(openings, ender);
}

function endIn(openings: readonly Opening[], ender: Column): readonly Candidate[] {
  return openings
    .filter(({ models }) => !models.includes(ender) && cost(models) <= DEAREST_OPENING * ender.meanCostNanoUsd)
    .map((opening) => ({ steps: [...opening.steps, { models: [ender.id] }], opening, ender }));
}

/** The best, and the cheaper ones that may hold the quality by their paired interval to it, the likeliest first. */
function enders({ columns, rows }: Sample, best: Column, held: number): readonly Column[] {
  const tied = columns.filter((column) => {
    if (column === best || column.meanCostNanoUsd >= best.meanCostNanoUsd) return false;
    const { gains, losses } = discordant(column.isRight, best.isRight);
    return pairedDifference(gains, losses, rows).interval.high >= Math.min(0, held);
  });
  return [best, ...tied.toSorted((a, b) => b.quality - a.quality)].slice(0, MOST_ENDERS);
}

function shortOpenings({ columns, rows }: Sample, mostNanoUsd: number): readonly Opening[] {
  const pool = columns.filter((column) => column.meanCostNanoUsd <= mostNanoUsd);
  const affordable = (models: readonly Column[]): boolean => cost(models) <= mostNanoUsd;
  const checks = pool
    .filter(({ passRate }) => passRate < 1)
    .map((model) => opening({ models: [model.id] }, [model], "checks", product([model], rows)));
  // Two models of one vendor share more of their mistakes than two of different vendors do: a kind of its own.
  const pairs = subsets(pool, 2)
    .filter(affordable)
    .map((models) => opening(agree(models), models, `2 of 2, ${vendors(models)} vendors`, product(models, rows)));
  const triples = subsets(pool, 3).filter((models) => affordable(models) && vendors(models) === 3);
  const all = triples.map((models) => opening(agree(models), models, "3 of 3", product(models, rows)));
  const majorities = triples.map((models) => {
    const exposure = subsets(models, 2).reduce((sum, pair) => sum + product(pair, rows), 0);
    return opening(agree(models, 2), models, "2 of 3", exposure);
  });
  return [...checks, ...pairs, ...all, ...majorities];
}

function opening(step: Step, models: readonly Column[], kind: string, exposure: number): Opening {
  return { steps: [step], models, kind, exposure };
}

function agree(models: readonly Column[], need?: number): Step {
  return { models: models.map(({ id }): ModelId => id), agree: need === undefined ? {} : { need } };
}

function vendors(models: readonly Column[]): number {
  return new Set(models.map(({ provider }) => provider)).size;
}

function cost(models: readonly Column[]): number {
  return models.reduce((sum, model) => sum + model.meanCostNanoUsd, 0);
}

/** Of the models' error rates; none of them zero, though no error was seen. */
function product(models: readonly Column[], rows: number): number {
  return models.reduce((rate, { quality }) => (rate * ((1 - quality) * rows + 0.5)) / (rows + 1), 1);
}

function subsets<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  if (size === 0) return [[]];
  return items.flatMap((item, index) => subsets(items.slice(index + 1), size - 1).map((rest) => [item, ...rest]));
}
