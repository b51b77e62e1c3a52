// A route's first choices in the order of its strategy, for one job: only those that are able, each with the reason for its place.

import type { Step, Strategy, TaskSpec } from "../job/task.ts";
import { balance } from "./balance.ts";
import { splitTraffic, type Share } from "./split-traffic.ts";
import type { Scorer } from "./step-scores.ts";
import type { Subject } from "./subject.ts";

export interface Place {
  readonly step: Step;
  readonly why: string;
}

type IsAble = (step: Step) => boolean;

/** Steps that are equal by the strategy stay in the order given. */
export function orderByStrategy({ task, job, analysis }: Subject, isAble: IsAble, scorer: Scorer): readonly Place[] {
  const { strategy, steps } = task.route;
  switch (strategy.kind) {
    case "ordered":
      return placed(steps.filter(isAble), "in the order given");
    case "cheapest":
      return placed(
        ascending(steps.filter(isAble), (step) => scorer.costNanoUsd(step)),
        "by expected cost",
      );
    case "fastest":
      return placed(
        ascending(steps.filter(isAble), (step) => scorer.latencyMs(step)),
        "by median latency",
      );
    case "soonest":
      return placed(
        ascending(steps.filter(isAble), (step) => scorer.waitMs(step) + scorer.latencyMs(step)),
        "by expected wait and latency",
      );
    case "best":
      return placed(
        ascending(steps.filter(isAble), (step) => -scorer.quality(step)),
        "by expected quality",
      );
    case "balanced":
      return balanced(steps.filter(isAble), strategy, scorer);
    case "weighted":
      return placed(splitTraffic(job, sharesOf(task, strategy, isAble)), "by its share of the rows");
    case "complexity":
      return byComplexity(strategy, analysis.complexity, isAble);
    default:
      return strategy satisfies never;
  }
}

function placed(steps: readonly Step[], why: string): readonly Place[] {
  return steps.map((step) => ({ step, why }));
}

/** Not by differences: two infinite ones would make NaN. */
function ascending(steps: readonly Step[], of: (step: Step) => number): readonly Step[] {
  return steps
    .map((step) => ({ step, value: of(step) }))
    .toSorted((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0))
    .map(({ step }) => step);
}

function balanced(steps: readonly Step[], strategy: Extract<Strategy, { readonly kind: "balanced" }>, scorer: Scorer): readonly Place[] {
  const scores = balance(steps, strategy, scorer);
  return ascending(steps, (step) => -scores.get(step)!).map((step) => ({ step, why: `balanced ${scores.get(step)!.toFixed(2)}` }));
}

function sharesOf({ route }: TaskSpec, { weights }: Extract<Strategy, { readonly kind: "weighted" }>, isAble: IsAble): readonly Share[] {
  return route.steps.flatMap((step, i) => (isAble(step) ? [{ step, weight: weights[i] ?? 1 }] : []));
}

/** The band that holds the complexity, then the harder ones, then the simpler ones, the nearest first. A step of several bands has its first place. */
function byComplexity({ bands }: Extract<Strategy, { readonly kind: "complexity" }>, complexity: number, isAble: IsAble): readonly Place[] {
  const found = bands.findIndex(({ upTo }) => complexity <= upTo);
  const own = found < 0 ? bands.length - 1 : found;
  const order = [...bands.keys()].toSorted((a, b) => (a < own && b < own ? b - a : a < own ? 1 : b < own ? -1 : a - b));
  const places = new Map<Step, string>();
  for (const i of order) {
    const { steps = [], upTo = 1 } = bands[i] ?? {};
    const why = i === own ? `for complexity up to ${upTo}` : `for ${i > own ? "harder" : "simpler"} jobs, up to ${upTo}`;
    for (const step of steps) if (!places.has(step) && isAble(step)) places.set(step, why);
  }
  return Array.from(places, ([step, why]) => ({ step, why }));
}
