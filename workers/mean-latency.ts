// How long a call occupies its slot on average. The mean forgets, over calls and time; it follows a fall as calls end, and a rise before they do.

/** What lies this far back, or as far as a call is long, counts a third. */
const MEMORY_MS = 3_000;
/** However long ago, so many calls are remembered. */
const LEAST_CALLS = 8;
/** A call under way may take longer than its age by this much, as far as is to be seen before the next reading. */
const LOOK_AHEAD_MS = 2_000;

/** A call under way. */
export interface CallTime {
  /** Time in its slot up to now, without waits. */
  readonly ageMs: (now: number) => number;
  /** Counted already. */
  countedMs: number;
}

export interface MeanLatency {
  started(call: CallTime): void;
  /** No call after all. */
  forget(call: CallTime): void;
  ended(call: CallTime, now: number): void;
  /** `elapsedMs`: since it was asked last. */
  read(now: number, elapsedMs: number): number;
}

/** `assumedMs` counts like one call. */
export function createMeanLatency(assumedMs: number): MeanLatency {
  const underWay = new Set<CallTime>();
  /** Of calls that have ended, and those under way as far as they are late. */
  let spentMs = assumedMs;
  let endedMs = assumedMs;
  let calls = 1;
  let mean = assumedMs;

  const fade = (elapsedMs: number) => {
    const share = Math.max(Math.exp(-elapsedMs / Math.max(MEMORY_MS, mean)), Math.min(1, LEAST_CALLS / calls));
    spentMs *= share;
    endedMs *= share;
    calls *= share;
  };

  return {
    started: (call) => void underWay.add(call),
    forget(call) {
      underWay.delete(call);
      spentMs -= call.countedMs;
    },
    ended(call, now) {
      underWay.delete(call);
      const tookMs = call.ageMs(now);
      spentMs += tookMs - call.countedMs;
      endedMs += tookMs;
      calls += 1;
    },
    read(now, elapsedMs) {
      fade(elapsedMs);
      let oldestMs = 0;
      for (const call of underWay) {
        const ageMs = call.ageMs(now);
        oldestMs = Math.max(oldestMs, ageMs);
        // What a call takes beyond the mean is counted while it does. A single one that hangs weighs as much as the slot it holds, no more.
        const lateMs = Math.max(0, ageMs - mean - call.countedMs);
        spentMs += lateMs;
        call.countedMs += lateMs;
      }
      // Nothing has been seen to take longer than the oldest.
      mean = Math.max(0, Math.min(spentMs / calls, Math.max(endedMs / calls, oldestMs + LOOK_AHEAD_MS)));
      return mean;
    },
  };
}
