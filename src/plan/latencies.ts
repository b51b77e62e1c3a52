// Times of calls, as so many that are equally likely: from those seen, or from what is left of them in the statistics.

const LEVELS = 200;
/** Above this share times fall off exponentially (a peaks-over-threshold tail): the longest of a few calls is a matter of chance. */
const TAIL_FROM = 0.9;
/** As far as longer ones were seen so often, they are taken as they were. */
const OFTEN = 10;
/** p95 ÷ p50 of a log-normal time, to its sigma. */
const P95_DEVIATIONS = 1.645;

/** Ascending. `seen`: in any order, not empty. */
export function latenciesOf(seen: readonly number[]): readonly number[] {
  const sorted = seen.toSorted((a, b) => a - b);
  const threshold = quantile(sorted, TAIL_FROM);
  const above = sorted.filter((value) => value > threshold);
  const excess = above.length === 0 ? 0 : above.reduce((sum, value) => sum + value - threshold, 0) / above.length;
  let longest = 0;
  return shares().map((share) => {
    const isSeen = share <= TAIL_FROM || (1 - share) * sorted.length >= OFTEN;
    longest = Math.max(longest, isSeen ? quantile(sorted, share) : threshold + excess * Math.log((1 - TAIL_FROM) / (1 - share)));
    return longest;
  });
}

/** A log-normal time with this median and 95th percentile. */
export function logNormalLatencies(p50Ms: number, p95Ms: number): readonly number[] {
  const sigma = Math.max(0, Math.log(p95Ms / Math.max(1, p50Ms))) / P95_DEVIATIONS;
  return shares().map((share) => p50Ms * Math.exp(sigma * normalDeviation(share)));
}

export function meanLatency(latenciesMs: readonly number[]): number {
  return latenciesMs.length === 0 ? 0 : latenciesMs.reduce((sum, value) => sum + value, 0) / latenciesMs.length;
}

function shares(): readonly number[] {
  return Array.from({ length: LEVELS }, (_, i) => (i + 0.5) / LEVELS);
}

function quantile(sorted: readonly number[], share: number): number {
  const at = share * sorted.length - 0.5;
  const below = Math.min(sorted.length - 1, Math.max(0, Math.floor(at)));
  const above = Math.min(sorted.length - 1, below + 1);
  const part = Math.min(1, Math.max(0, at - below));
  return sorted[below]! * (1 - part) + sorted[above]! * part;
}

/** The inverse of the normal distribution, to 5e-4 (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23). */
function normalDeviation(share: number): number {
  const tail = Math.sqrt(-2 * Math.log(Math.min(share, 1 - share)));
  const value =
    tail - (2.515517 + 0.802853 * tail + 0.010328 * tail ** 2) / (1 + 1.432788 * tail + 0.189269 * tail ** 2 + 0.001308 * tail ** 3);
  return share < 0.5 ? -value : value;
}
