// Latencies as a histogram of even steps in ratio: each bucket reaches an eighth further than the one before it, from 10 ms to a quarter of an hour.
// Histograms of many processes add up, and fade, as means do; quantiles are exact to some six percent.

/** Bucket → (faded) number of calls; those without any are left out. */
export type Histogram = ReadonlyMap<number, number>;

const LOWEST_MS = 10;
const STEP = Math.log(1.125);
/** 10 ms × 1.125^97 is above a quarter of an hour. */
export const LAST_BUCKET = 97;

/** 0 for what is shorter than 10 ms; the last one for all that is longer. */
export function bucketOf(latencyMs: number): number {
  if (!(latencyMs > LOWEST_MS)) return 0;
  return Math.min(LAST_BUCKET, Math.ceil(Math.log(latencyMs / LOWEST_MS) / STEP));
}

/** In milliseconds; NaN of an empty histogram. */
export function quantile(histogram: Histogram, share: number): number {
  const buckets = Array.from(histogram).toSorted(([a], [b]) => a - b);
  let left = buckets.reduce((sum, [, count]) => sum + count, 0) * share;
  for (const [i, [bucket, count]] of buckets.entries()) {
    // The last one takes what rounding has left over.
    if (left <= count || i === buckets.length - 1) return withinBucket(bucket, Math.min(1, left / count));
    left -= count;
  }
  return Number.NaN;
}

/** Calls lie evenly (in ratio) between the bucket's bounds. */
function withinBucket(bucket: number, share: number): number {
  return bucket === 0 ? LOWEST_MS * share : LOWEST_MS * Math.exp((bucket - 1 + share) * STEP);
}
