// Latencies in buckets that grow by a twentieth: quantiles to within 2.5 %, however many calls. Plain data: a report may keep a hundred thousand of them, most with
// few calls, so only buckets that hold something are kept, until there are many.

export interface LatencyHistogram {
  /** Buckets and their counts by turns, in the order they came; or, once they are many, the counts of all. */
  counts: number[] | Uint32Array;
  total: number;
  smallest: number;
  largest: number;
}

const GROWTH = 1.05;
/** The last bucket begins above three hours. */
const BUCKETS = 334;
/** More would take more room than all buckets do. */
const MOST_PAIRS = 64;

export function createLatencyHistogram(): LatencyHistogram {
  return { counts: [], total: 0, smallest: Infinity, largest: 0 };
}

export function addLatency(histogram: LatencyHistogram, latencyMs: number): void {
  histogram.total++;
  histogram.smallest = Math.min(histogram.smallest, latencyMs);
  histogram.largest = Math.max(histogram.largest, latencyMs);
  const bucket = latencyMs <= 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(latencyMs) / Math.log(GROWTH)));
  histogram.counts = counted(histogram.counts, bucket);
}

/** `fraction` in (0, 1]: 0.5 for the median. `undefined` while empty. Whole milliseconds. */
export function latencyQuantile({ counts, total, smallest, largest }: LatencyHistogram, fraction: number): number | undefined {
  if (total === 0) return undefined;
  const rank = Math.ceil(fraction * total);
  let seen = 0;
  for (const [bucket, count] of inOrder(counts)) {
    seen += count;
    if (seen < rank) continue;
    const middle = bucket === 0 ? 1 : GROWTH ** (bucket - 0.5);
    return Math.round(Math.min(largest, Math.max(smallest, middle)));
  }
  return Math.round(largest);
}

function inOrder(counts: readonly number[] | Uint32Array): Iterable<readonly [bucket: number, count: number]> {
  if (!Array.isArray(counts)) return counts.entries();
  const pairs: [number, number][] = [];
  for (let i = 0; i < counts.length; i += 2) pairs.push([counts[i] as number, counts[i + 1] as number]);
  return pairs.toSorted(([a], [b]) => a - b);
}

function counted(counts: number[] | Uint32Array, bucket: number): number[] | Uint32Array {
  if (!Array.isArray(counts)) {
    counts[bucket] = (counts[bucket] as number) + 1;
    return counts;
  }
  for (let i = 0; i < counts.length; i += 2) {
    if (counts[i] !== bucket) continue;
    counts[i + 1] = (counts[i + 1] as number) + 1;
    return counts;
  }
  if (counts.length === 2 * MOST_PAIRS) return counted(spread(counts), bucket);
  counts.push(bucket, 1);
  return counts;
}

function spread(pairs: readonly number[]): Uint32Array {
  const all = new Uint32Array(BUCKETS);
  for (let i = 0; i < pairs.length; i += 2) all[pairs[i] as number] = pairs[i + 1] as number;
  return all;
}
