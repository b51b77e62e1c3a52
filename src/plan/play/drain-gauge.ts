// How fast a model's queue drains, as the router sees it of a model whose pool tells no rate (workers/model-view.ts): it reads the queue every tenth of a second,
// and holds the fastest of the last readings. Calls that end together count for more than their mean, and let more rows into the queue.

const READ_EVERY_MS = 100;
const KEPT = 0.8;

export interface DrainGauge {
  /** A call has ended. Times only grow. */
  ended(now: number): void;
  /** Calls per millisecond, as of the last reading. */
  perMs(now: number): number;
}

export function createDrainGauge(): DrainGauge {
  let held = 0;
  let ended = 0;
  let reading = 0;

  const read = (now: number) => {
    const next = Math.floor(now / READ_EVERY_MS);
    if (next <= reading) return;
    const pace = ended / READ_EVERY_MS;
    held = Math.max(pace, held * KEPT + pace * (1 - KEPT)) * KEPT ** (next - reading - 1);
    ended = 0;
    reading = next;
  };

  return {
    ended(now) {
      read(now);
      ended++;
    },
    perMs(now) {
      read(now);
      return held;
    },
  };
}
