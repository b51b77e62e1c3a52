// A clock that tests turn by hand, for simulations in which thousands sleep: it keeps them in order.

import type { ManualClock } from "../support/manual-clock.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
  isAwake: boolean;
}

export function createQuickClock(startMs = 1_800_000_000_000): ManualClock {
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
}

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
