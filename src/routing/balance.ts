// Weighing quality, cost and speed against each other: each is brought to a scale from 0 (the worst of the candidates) to 1 (the best).

import type { Step, Strategy } from "../job/task.ts";
import type { Scorer } from "./step-scores.ts";

/** Candidates that differ by less are taken for equal: a scale from the worst to the best would make much of nothing. */
const LEAST_QUALITY_RANGE = 0.05;
/** Cost and time count by how many times more, not by how much more: a tenth of the cost is worth as much from $10 as from $1. */
const LEAST_TIMES = Math.log(1.25);

/** The score of each step, 0 to 1. */
export function balance(
  steps: readonly Step[],
  weights: Omit<Extract<Strategy, { readonly kind: "balanced" }>, "kind">,
  scorer: Scorer,
): ReadonlyMap<Step, number> {
  const quality = scaled(
    steps.map((step) => scorer.quality(step)),
    LEAST_QUALITY_RANGE,
  );
  const cost = scaled(
    steps.map((step) => -Math.log(1 + scorer.costNanoUsd(step))),
    LEAST_TIMES,
  );
  const speed = scaled(
    steps.map((step) => -Math.log(1 + scorer.latencyMs(step))),
    LEAST_TIMES,
  );
  const sum = weights.quality + weights.cost + weights.speed;
  return new Map(
    steps.map((step, i) => [step, (weights.quality * quality[i]! + weights.cost * cost[i]! + weights.speed * speed[i]!) / sum]),
  );
}

/** 1 for the highest. What is infinitely low (no price) is 0. */
function scaled(values: readonly number[], leastRange: number): readonly number[] {
  const finite = values.filter((value) => Number.isFinite(value));
  const highest = Math.max(...finite);
  const range = Math.max(leastRange, highest - Math.min(...finite));
  return values.map((value) => (Number.isFinite(value) ? 1 - (highest - value) / range : 0));
}
