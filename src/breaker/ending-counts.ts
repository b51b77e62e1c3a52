// The beginnings and endings of this process's calls, counted here and handed in together: every 100 ms, and at once when a call failed, for a dead vendor
// should be noticed quickly.

import type { Clock } from "../runtime/clock.ts";
import { EMPTY_TALLY, joined, type Tally } from "./tally.ts";

const HAND_IN_MS = 100;
/** Between two hand-ins, however many calls fail. */
const SHORTEST_PAUSE_MS = 10;

export interface EndingCounts {
  /** Counts a call's beginning or ending for a field of the provider. */
  add(provider: string, field: string, tally: Tally): void;
  /** After `signal` has aborted: returns when no hand-in is under way. What was not handed in is forgotten. */
  stop(): Promise<void>;
}

export function createEndingCounts(options: {
  clock: Clock;
  signal: AbortSignal;
  handIn: (provider: string, tallies: ReadonlyMap<string, Tally>) => Promise<void>;
}): EndingCounts {
  const desks = new Map<string, ReturnType<typeof openDesk>>();

  return {
    add(provider, field, tally) {
      const desk = desks.get(provider) ?? openDesk((tallies) => options.handIn(provider, tallies), options);
      desks.set(provider, desk);
      desk.add(field, tally);
    },
    async stop() {
      await Promise.all(Array.from(desks.values(), (desk) => desk.idle()));
    },
  };
}

/** The counts of one provider; one hand-in at a time, what ends meanwhile goes with the next. */
function openDesk(
  handIn: (tallies: ReadonlyMap<string, Tally>) => Promise<void>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
) {
  let waiting = new Map<string, Tally>();
  let running: Promise<void> | undefined;
  let rush = new AbortController();

  const run = async () => {
    while (waiting.size > 0 && !signal.aborted) {
      await clock.sleep(SHORTEST_PAUSE_MS, signal);
      await clock.sleep(HAND_IN_MS - SHORTEST_PAUSE_MS, rush.signal);
      const tallies = waiting;
      waiting = new Map();
      rush = new AbortController();
      try {
        await handIn(tallies);
      } catch {
        // Redis is away: the counts wait for the next time. If Redis got them all the same, they count twice: at worst it opens a little early.
        const newer = waiting;
        waiting = new Map(tallies);
        for (const [field, tally] of newer) waiting.set(field, joined(waiting.get(field) ?? EMPTY_TALLY, tally));
        await clock.sleep(HAND_IN_MS, signal);
      }
    }
    running = undefined;
  };

  return {
    add(field: string, tally: Tally) {
      waiting.set(field, joined(waiting.get(field) ?? EMPTY_TALLY, tally));
      if (tally.failed > 0) rush.abort();
      running ??= run();
    },
    async idle() {
      rush.abort();
      await running;
    },
  };
}
