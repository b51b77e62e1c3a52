// The order in which the steps of a route are tried for a job.
//
// A trial's job: the models it names, as it names them. Else:
// first choices by the strategy ──▶ those no better than a model whose answer was found wanting go behind the others ("next better model"), unless the route lists them in order
// ──▶ fallbacks, in their order ──▶ steps with a demoted model go behind all others.

import type { Exclusion } from "../job/progress.ts";
import type { Step } from "../job/task.ts";
import { createFilter, type Filter } from "./able.ts";
import type { ModelView } from "./model-view.ts";
import { createScorer, type Scorer, type StepScores } from "./step-scores.ts";
import { orderByStrategy, type Place } from "./strategy-order.ts";
import type { Subject } from "./subject.ts";

export interface RankedStep extends Place {
  readonly scores: StepScores;
}

/** What of an exclusion says that the model's answer was not good enough, not that it couldn't give one. */
const FOUND_WANTING: ReadonlySet<Exclusion["cause"]> = new Set(["check", "disagreed", "judged"]);

/** The able steps in order, with their figures and the reason for each one's place. */
export function rank(subject: Subject, view: ModelView, filter: Filter = createFilter(subject, view)): readonly RankedStep[] {
  const scorer = createScorer(subject, view);
  return places(subject, view, filter, scorer).map(({ step, why }) => ({ step, scores: scorer.all(step), why }));
}

/** The same without figures: what binding needs. */
export function orderSteps(subject: Subject, view: ModelView, filter: Filter): readonly Step[] {
  return places(subject, view, filter, createScorer(subject, view)).map(({ step }) => step);
}

function places(subject: Subject, view: ModelView, filter: Filter, scorer: Scorer): readonly Place[] {
  const { task, job, progress } = subject;
  const isAble = (step: Step) => filter.isAble(step);
  if (job.trial) {
    const tried = (job.allow ?? []).map((model): Place => ({ step: { models: [model] }, why: "a trial asks it" }));
    return tried.filter(({ step }) => isAble(step));
  }
  const byStrategy = orderByStrategy(subject, isAble, scorer);
  // Who lists the steps in order means that order.
  const first = task.route.strategy.kind === "ordered" ? byStrategy : betterFirst(byStrategy, progress.excluded, scorer);
  const fallback = task.route.fallback.filter(isAble).map((step): Place => ({ step, why: "a fallback" }));
  return demotedLast([...first, ...fallback], (step) => step.models.some((id) => view.isDemoted(task.name, id)));
}

function betterFirst(first: readonly Place[], excluded: readonly Exclusion[], scorer: Scorer): readonly Place[] {
  const wanting = excluded.filter(({ cause }) => FOUND_WANTING.has(cause));
  if (wanting.length === 0) return first;
  const reached = Math.max(...wanting.map(({ model }) => scorer.modelQuality(model)));
  const isBetter = ({ step }: Place) => scorer.quality(step) > reached;
  const others = first.filter((place) => !isBetter(place));
  return [...first.filter(isBetter), ...others.map(({ step, why }) => ({ step, why: `${why}, but no better than what failed` }))];
}

function demotedLast(all: readonly Place[], isDemoted: (step: Step) => boolean): readonly Place[] {
  const demoted = all.filter(({ step }) => isDemoted(step));
  if (demoted.length === 0) return all;
  return [...all.filter(({ step }) => !isDemoted(step)), ...demoted.map(({ step, why }) => ({ step, why: `${why}, but demoted` }))];
}
