// A clock that tests turn by hand. It keeps its sleepers in order, for simulations in which thousands sleep.

import type { Clock } from "../../src/runtime/clock.ts";

export interface ManualClock extends Clock {
  /** Moves the time on, waking each sleeper at its moment and letting everything it sets off run before the next. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
  isAwake: boolean;
}

/** `turns`: of the event loop that each sleeper's wakening is given. */
export function createManualClock({ startMs = 1_800_000_000_000, turns = 5 } = {}): ManualClock {
  let now = startMs;
  /** By time; those of one time in the order in which they lay down. */
  const sleepers: Sleeper[] = [];

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          sleeper.isAwake = true;
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper: Sleeper = { at: now + Math.max(0, ms), wake, isAwake: false };
        let [low, high] = [0, sleepers.length];
        while (low < high) {
          const middle = (low + high) >>> 1;
          if ((sleepers[middle] as Sleeper).at > sleeper.at) high = middle;
          else low = middle + 1;
        }
        sleepers.splice(low, 0, sleeper);
        signal?.addEventListener("abort", wake, { once: true });
      }),
    async advance(ms) {
      const end = now + ms;
      await settled();
      for (;;) {
        const next = sleepers[0];
        if (!next || next.at > end) break;
        sleepers.shift();
        if (next.isAwake) continue;
        now = Math.max(now, next.at);
        next.wake();
        await settled();
      }
      now = end;
      await settled();
    },
  };

  /** Lets promises and immediates that are ready run, and those that they set off. */
  async function settled(): Promise<void> {
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}
