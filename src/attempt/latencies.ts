// How long calls have taken lately, by task and model: what tells a slow call from one that hangs.

/** Of each kind of call the last so many are remembered. */
const REMEMBERED = 256;
const LATELY = 64;
/** Fewer say nothing of the slow ones. */
const FEWEST = 20;
const RECKON_EVERY = 32;

export interface Latencies {
  add(kind: string, ms: number): void;
  /** The 90th percentile of the last few dozen calls, in milliseconds; undefined until enough were seen. */
  p90(kind: string): number | undefined;
  /** The 99th percentile of all that are remembered. */
  p99(kind: string): number | undefined;
}

export function createLatencies(): Latencies {
  interface Ring {
    readonly values: number[];
    next: number;
    added: number;
    p90: number | undefined;
    p99: number | undefined;
  }
  const rings = new Map<string, Ring>();

  return {
    add(kind, ms) {
      const ring = rings.get(kind) ?? { values: [], next: 0, added: 0, p90: undefined, p99: undefined };
      rings.set(kind, ring);
      ring.values[ring.next] = ms;
      ring.next = (ring.next + 1) % REMEMBERED;
      ring.added++;
      if (ring.added < FEWEST || (ring.added > FEWEST && ring.added % RECKON_EVERY !== 0)) return;
      const oldestFirst = [...ring.values.slice(ring.next), ...ring.values.slice(0, ring.next)];
      ring.p90 = percentile(oldestFirst.slice(-LATELY), 0.9);
      ring.p99 = percentile(ring.values, 0.99);
    },
    p90: (kind) => rings.get(kind)?.p90,
    p99: (kind) => rings.get(kind)?.p99,
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] as number;
}
