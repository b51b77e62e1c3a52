// How long calls have taken lately, by task and model: what tells a slow call from one that hangs.

/** Of each kind of call the last so many are remembered. */
const REMEMBERED = 256;
/** Fewer say nothing of the slow ones. */
const FEWEST = 20;
const RECKON_EVERY = 32;

export interface Latencies {
  add(kind: string, ms: number): void;
  /** The 99th percentile in milliseconds; undefined until enough calls were seen. */
  p99(kind: string): number | undefined;
}

export function createLatencies(): Latencies {
  interface Ring {
    readonly values: number[];
    next: number;
    added: number;
    p99: number | undefined;
  }
  const rings = new Map<string, Ring>();

  return {
    add(kind, ms) {
      const ring = rings.get(kind) ?? { values: [], next: 0, added: 0, p99: undefined };
      rings.set(kind, ring);
      ring.values[ring.next] = ms;
      ring.next = (ring.next + 1) % REMEMBERED;
      ring.added++;
      if (ring.added === FEWEST || (ring.added > FEWEST && ring.added % RECKON_EVERY === 0)) ring.p99 = percentile99(ring.values);
    },
    p99: (kind) => rings.get(kind)?.p99,
  };
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] as number;
}
