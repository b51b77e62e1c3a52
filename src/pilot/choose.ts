// Which route to recommend: the cheapest of those that can be expected to hold the quality asked for.
//
// That is a test of non-inferiority with a margin, as for a drug that must not be worse than the one in use but need not be better
// (ICH E9, 3.3.2; E9 asks for a one-sided level of 2.5 %): the probability of a true quality of more than MARGIN below is at most RISK. That
// alone would let a route pass that is surely a point worse; so what is expected of it must hold the quality too, but for TOLERANCE.
// MARGIN and the tolerance are figures of the requirement ("on average at most half a point below, seldom more than 1.5"), the risk is E9's.
// They were not chosen blindly: risks from 1 to 20 % and tolerances from 0.1 to 0.5 points were tried on two recordings first. The mean
// difference kept the requirement with each of them; the risk decides how often a route lies far below, the tolerance how much is saved.

import { normalCdf, type Estimate } from "./intervals.ts";

/** A route under consideration: its cost, and its expected quality less what is to be held. */
export interface Option {
  readonly costNanoUsd: number;
  readonly gap: Estimate;
}

export interface Demand {
  readonly tolerance: number;
  readonly risk: number;
}

export const MARGIN = 0.015;
/** For what is recommended. */
export const RECOMMENDING: Demand = { tolerance: 0.005, risk: 0.025 };
/** For an offer, which the reader decides on knowing what is expected of it: so it may be less sure. */
export const OFFERING: Demand = { tolerance: 0.005, risk: 0.25 };
/** A more complicated route is one more thing that can go wrong: it must save at least this share. */
export const LEAST_SAVING = 0.1;
/** Costs this near each other are a matter of the sample: among them the better quality decides. */
const SAME_COST = 1.1;

/** Probability that the true quality lies more than the margin below what is to be held. */
export function riskOf({ mean, variance }: Estimate): number {
  if (variance === 0) return mean < -MARGIN ? 1 : 0;
  return normalCdf((-MARGIN - mean) / Math.sqrt(variance));
}

export function isAcceptable({ gap }: Pick<Option, "gap">, demand: Demand): boolean {
  // Differences of sums of hundredths: half a point is half a point.
  return gap.mean >= -demand.tolerance - 1e-9 && riskOf(gap) <= demand.risk;
}

/** One of `options`, or `incumbent`, which is taken when none of them is both acceptable and clearly cheaper. */
export function choose<T extends Option>(incumbent: T, options: readonly T[], demand: Demand): T {
  const passing = options.filter(
    (option) => option.costNanoUsd <= (1 - LEAST_SAVING) * incumbent.costNanoUsd && isAcceptable(option, demand),
  );
  const least = Math.min(...passing.map((option) => option.costNanoUsd));
  const near = passing.filter((option) => option.costNanoUsd <= SAME_COST * least);
  return near.toSorted((a, b) => b.gap.mean - a.gap.mean || a.costNanoUsd - b.costNanoUsd)[0] ?? incumbent;
}
