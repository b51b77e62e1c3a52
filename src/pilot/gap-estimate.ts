// What may be expected of a cascade's quality against the best single model's on rows that the sample didn't have.
//
// On 200 rows a good opening loses two or three rows to the best model and wins as many: of dozens of openings the luckiest looks far better
// than it is. So the few rows of each are not believed as they are. Losses and gains are counts of rare events with a rate of their own per
// opening; the rates of one kind of opening scatter around what its models' error rates predict (exposure × a factor common to the kind).
// Factor and scatter are estimated from all openings of the kind, and each count is shrunk towards the prediction as far as the scatter
// says that it is noise: the gamma-Poisson model of relative risks (Clayton and Kaldor, Biometrics 43, 1987). An estimate shrunk like this
// needs no further correction for having been picked among many (Gelman, Hill and Yajima, 2012).
//
// Where the last model is not the best one, the two are compared as they are on the rows that the opening leaves to it: few, and paired.

import type { Candidate, Opening } from "./candidates.ts";
import { pairedEstimate, type Estimate } from "./intervals.ts";
import type { Replay } from "./replay.ts";
import type { Column } from "./sample.ts";

export interface ReplayedCandidate {
  readonly candidate: Candidate;
  readonly replay: Replay;
}

/**
 * The prior of a kind is worth from 1 to 20 events, a scatter of 100 % to 22 % around the common factor. The lower bound is the exponential
 * distribution, as vague as a rate can be; the upper keeps a kind of few openings, whose scatter can't be seen, from counting as uniform
 * (tried on recorded answers: 4 chose up to 0.3 points worse where models err often, 100 as 20).
 */
const LEAST_SHAPE = 1;
const MOST_SHAPE = 20;
/** Jeffreys' prior of a Poisson rate: a kind that never lost a row in the sample is not held safe. */
const HALF_AN_EVENT = 0.5;

/** The rows that an opening alone (not the best model) has right, or wrong. */
interface Count {
  readonly rows: readonly number[];
  readonly exposure: number;
}

interface Fit {
  /** Events per row and unit of exposure, in the whole kind. */
  readonly factor: number;
  /** How many events the prior is worth. */
  readonly shape: number;
  /** Rows on which any opening of the kind had the event: openings share them, so these, not the sum of all counts, are what is known. */
  readonly differentRows: number;
}

/** By candidate: expected difference to `best`, with its uncertainty. */
export function estimateGaps(replayed: readonly ReplayedCandidate[], best: Column): readonly Estimate[] {
  const rows = best.isRight.length;
  const counts = new Map<Opening, { readonly losses: Count; readonly gains: Count }>();
  for (const { candidate, replay } of replayed) {
    if (!counts.has(candidate.opening)) counts.set(candidate.opening, countEvents(candidate, replay, best));
  }
  const kinds = new Map<string, { readonly losses: Fit; readonly gains: Fit }>();
  for (const kind of new Set(Array.from(counts.keys(), (opening) => opening.kind))) {
    const ofKind = [...counts].filter(([opening]) => opening.kind === kind).map(([, count]) => count);
    const losses = fit(ofKind.map((count) => count.losses), rows); // prettier-ignore
    const gains = fit(
      ofKind.map((count) => count.gains),
      rows,
    );
    kinds.set(kind, { losses, gains });
  }
  return replayed.map(({ candidate, replay }) => {
    const count = counts.get(candidate.opening)!;
    const fits = kinds.get(candidate.opening.kind)!;
    const loss = posterior(count.losses, fits.losses, rows);
    const gain = posterior(count.gains, fits.gains, rows);
    const open = enderAgainstBest(candidate, replay, best);
    return { mean: gain.mean - loss.mean + open.mean, variance: gain.variance + loss.variance + open.variance };
  });
}

function countEvents({ opening }: Candidate, { isRight, settledBy }: Replay, best: Column): { losses: Count; gains: Count } {
  const rows = Array.from(isRight.keys());
  const settled = rows.filter((row) => settledBy[row]! >= 0 && settledBy[row]! < opening.steps.length);
  const bestErrors = (1 - best.quality) * rows.length + HALF_AN_EVENT;
  return {
    losses: { rows: settled.filter((row) => isRight[row]! < best.isRight[row]!), exposure: opening.exposure },
    // An opening can win where it settles and the best model errs.
    gains: {
      rows: settled.filter((row) => isRight[row]! > best.isRight[row]!),
      exposure: (bestErrors / rows.length) * ((settled.length + HALF_AN_EVENT) / rows.length),
    },
  };
}

function fit(counts: readonly Count[], rows: number): Fit {
  const events = counts.reduce((sum, count) => sum + count.rows.length, 0);
  const exposure = counts.reduce((sum, count) => sum + count.exposure, 0);
  const factor = (events + HALF_AN_EVENT) / (exposure * rows);
  // By moments: how much further the counts lie from what is expected than Poisson's chance would have them.
  let excess = 0;
  let weight = 0;
  for (const count of counts) {
    const expected = factor * count.exposure * rows;
    excess += (count.rows.length - expected) ** 2 - expected;
    weight += expected ** 2;
  }
  const shape = excess > 0 ? weight / excess : MOST_SHAPE;
  return {
    factor,
    shape: Math.min(MOST_SHAPE, Math.max(LEAST_SHAPE, shape)),
    differentRows: new Set(counts.flatMap((count) => count.rows)).size,
  };
}

/** Of an opening's rate of events: Gamma(shape + events, shape / predicted + rows), and the share of the factor's own doubt that is left. */
function posterior(count: Count, { factor, shape, differentRows }: Fit, rows: number): Estimate {
  const predicted = factor * count.exposure;
  const precision = shape / predicted + rows;
  const mean = (shape + count.rows.length) / precision;
  const priorShare = shape / predicted / precision;
  return { mean, variance: mean / precision + (priorShare * predicted) ** 2 / (differentRows + HALF_AN_EVENT) };
}

function enderAgainstBest({ opening, ender }: Candidate, { settledBy }: Replay, best: Column): Estimate {
  if (ender === best) return { mean: 0, variance: 0 };
  const isOpen = (row: number): boolean => settledBy[row]! < 0 || settledBy[row]! >= opening.steps.length;
  return pairedEstimate(
    ender.isRight.map((right, row) => Number(isOpen(row) && right)),
    best.isRight.map((right, row) => Number(isOpen(row) && right)),
  );
}
