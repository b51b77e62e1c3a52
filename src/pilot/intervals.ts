// Intervals for shares and for differences of shares, and the normal distribution they rest on.

import type { Difference, Interval } from "./pilot.ts";

/** Two-sided 95 %. */
const Z95 = 1.959964;

/** Wilson's score interval (1927) for `hits` of `of`: keeps within [0, 1] and holds its level for small samples, unlike p ± 2 s. */
export function wilson(hits: number, of: number, z = Z95): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const share = hits / of;
  const centre = (share + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  return { low: hits === 0 ? 0 : Math.max(0, centre - half), high: hits === of ? 1 : Math.min(1, centre + half) };
}

/**
 * The difference of two routes on the same `of` rows, of which the first alone had `gains` right and the second alone `losses`. Interval by
 * Bonett and Price (2012), which adds one to either count: good for few discordant rows, where Wald's would be far too narrow.
 */
export function pairedDifference(gains: number, losses: number, of: number, z = Z95): Difference {
  if (of === 0) return { mean: 0, interval: { low: -1, high: 1 } };
  const gain = (gains + 1) / (of + 2);
  const loss = (losses + 1) / (of + 2);
  const half = z * Math.sqrt((gain + loss - (gain - loss) ** 2) / (of + 2));
  return {
    mean: (gains - losses) / of,
    interval: { low: Math.max(-1, gain - loss - half), high: Math.min(1, gain - loss + half) },
  };
}

/** A mean with its uncertainty, as a normal distribution. */
export interface Estimate {
  readonly mean: number;
  readonly variance: number;
}

/** As {@link pairedDifference}, with its variance. */
export function pairedEstimate(first: Uint8Array, second: Uint8Array): Estimate {
  const of = first.length;
  const { gains, losses } = discordant(first, second);
  const gain = (gains + 1) / (of + 2);
  const loss = (losses + 1) / (of + 2);
  return { mean: (gains - losses) / Math.max(1, of), variance: (gain + loss - (gain - loss) ** 2) / (of + 2) };
}

/** P(X < x) of the standard normal distribution (Abramowitz and Stegun 7.1.26: off by less than 1e-7). */
export function normalCdf(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (poly * Math.exp(-(x ** 2) / 2)) / 2;
  return x < 0 ? tail : 1 - tail;
}

/** Rows that only the first, and only the second has right. */
export function discordant(first: Uint8Array, second: Uint8Array): { gains: number; losses: number } {
  let gains = 0;
  let losses = 0;
  for (let row = 0; row < first.length; row++) {
    gains += Number(first[row]! > second[row]!);
    losses += Number(first[row]! < second[row]!);
  }
  return { gains, losses };
}
