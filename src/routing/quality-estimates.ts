// How good the models of a route are at its task, as far as can be told: what was known beforehand (a pilot's figures, or the tier alone), corrected by the
// answers seen of late.
//
// A pass rate says as much of the checks as of the model: by a check that hardly anything fails, every model is perfect, the busiest most surely so. Hence
// what is known beforehand says how the models compare, and the answers of all of them together how hard the checks are: the priors are moved by as much
// (in log odds) as it takes to expect what was seen; then each model's own answers count (beta-binomial shrinkage).

import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import { routeModels, type Route, type TaskSpec } from "../job/task.ts";
import type { ModelView } from "./model-view.ts";

const TIER_QUALITY: Readonly<Record<ModelSpec["tier"], number>> = { fast: 0.7, standard: 0.8, premium: 0.9 };
/** How many answers a prior counts for. */
const TIER_WEIGHT = 20;
const GIVEN_WEIGHT = 50;
/** A model is supposed to answer until it was seen not to: one that was hardly asked must not lose to a busy one for that alone. */
const ANSWER_RATE_WEIGHT = 20;
/** Answers after which half of the difference to what was expected is put down to the checks. */
const CHECKS_WEIGHT = 20;
/** Nothing is certain; log odds stay finite. */
const LEAST_DOUBT = 0.001;

interface Seen {
  readonly id: ModelId;
  readonly prior: number;
  readonly weight: number;
  readonly answers: number;
  readonly passed: number;
  readonly answerRate: number;
}

/** By model of the task's route, the share of its jobs that the model is expected to bring to a good answer: 0 to 1. Models that aren't configured have none. */
export function estimateQualities({ name, route }: Pick<TaskSpec, "name" | "route">, view: ModelView): ReadonlyMap<ModelId, number> {
  const seen = modelsOf(route).flatMap((id) => lookAt(id, name, route, view) ?? []);
  const shift = shiftOfPriors(seen);
  return new Map(
    seen.map(({ id, prior, weight, answers, passed, answerRate }) => {
      const expected = shift === 0 ? prior : toShare(logOdds(prior) + shift);
      return [id, ((passed + weight * expected) / (answers + weight)) * answerRate];
    }),
  );
}

function lookAt(id: ModelId, task: string, { quality }: Route, view: ModelView): Seen | undefined {
  const model = view.model(id);
  if (!model) return undefined;
  const { calls, answerRate, passRate } = view.stats(task, id);
  const given = Object.hasOwn(quality, id) ? quality[id] : undefined;
  const answers = calls * answerRate;
  return {
    id,
    prior: given ?? TIER_QUALITY[model.tier],
    weight: given === undefined ? TIER_WEIGHT : GIVEN_WEIGHT,
    answers,
    passed: answers * passRate,
    answerRate: (answers + ANSWER_RATE_WEIGHT) / (calls + ANSWER_RATE_WEIGHT),
  };
}

/** In log odds: by how much the answers seen passed more (or less) often than the priors of those who gave them had it. */
function shiftOfPriors(seen: readonly Seen[]): number {
  let answers = 0;
  let passed = 0;
  let expected = 0;
  for (const each of seen) {
    answers += each.answers;
    passed += each.passed;
    expected += each.answers * each.prior;
  }
  if (answers === 0) return 0;
  const observed = logOdds((passed + 0.5) / (answers + 1));
  return (observed - logOdds(expected / answers)) * (answers / (answers + CHECKS_WEIGHT));
}

function logOdds(share: number): number {
  const held = Math.min(Math.max(share, LEAST_DOUBT), 1 - LEAST_DOUBT);
  return Math.log(held / (1 - held));
}

function toShare(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

/** Routes live as long as their task. */
const known = new WeakMap<Route, readonly ModelId[]>();

function modelsOf(route: Route): readonly ModelId[] {
  let models = known.get(route);
  if (!models) {
    models = routeModels(route);
    known.set(route, models);
  }
  return models;
}
