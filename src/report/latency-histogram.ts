// Latencies in buckets that grow by a twentieth: quantiles to within 2.5 % in some 300 numbers, however many calls.

export interface LatencyHistogram {
  add(latencyMs: number): void;
  /** `fraction` in (0, 1]: 0.5 for the median. `undefined` while empty. Whole milliseconds. */
  quantile(fraction: number): number | undefined;
}

const GROWTH = 1.05;
/** The last bucket begins above three hours. */
const BUCKETS = 334;

export function createLatencyHistogram(): LatencyHistogram {
  const counts = new Float64Array(BUCKETS);
  let total = 0;
  let smallest = Infinity;
  let largest = 0;

  return {
    add(latencyMs) {
      const bucket = latencyMs <= 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(latencyMs) / Math.log(GROWTH)));
      counts[bucket] = (counts[bucket] as number) + 1;
      total++;
      smallest = Math.min(smallest, latencyMs);
      largest = Math.max(largest, latencyMs);
    },
    quantile(fraction) {
      if (total === 0) return undefined;
      const rank = Math.ceil(fraction * total);
      let seen = 0;
      let bucket = -1;
      while (seen < rank) seen += counts[++bucket] as number;
      const middle = bucket === 0 ? 1 : GROWTH ** (bucket - 0.5);
      return Math.round(Math.min(largest, Math.max(smallest, middle)));
    },
  };
}
