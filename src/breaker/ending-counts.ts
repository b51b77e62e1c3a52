// The endings of this process's calls, counted here and handed in together: every 100 ms, and at once when a call failed, for a dead vendor
// should be noticed quickly.

import type { Clock } from "../runtime/clock.ts";
import type { Tally } from "./breaker-machine.ts";

const HAND_IN_MS = 100;
/** Between two hand-ins, however many calls fail. */
const SHORTEST_PAUSE_MS = 10;

export interface EndingCounts {
  add(provider: string, model: string, ending: "ok" | "failed"): void;
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
    add(provider, model, ending) {
      const desk = desks.get(provider) ?? openDesk((tallies) => options.handIn(provider, tallies), options);
      desks.set(provider, desk);
      desk.add(model, ending);
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

  const merge = (model: string, { ok, failed }: Tally) => {
    const counted = waiting.get(model) ?? { ok: 0, failed: 0 };
    waiting.set(model, { ok: counted.ok + ok, failed: counted.failed + failed });
  };

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
        // Redis is away: the counts wait for the next time. If Redis got them all the same, they count twice, which does no harm.
        for (const [model, tally] of tallies) merge(model, tally);
        await clock.sleep(HAND_IN_MS, signal);
      }
    }
    running = undefined;
  };

  return {
    add(model: string, ending: "ok" | "failed") {
      merge(model, ending === "ok" ? { ok: 1, failed: 0 } : { ok: 0, failed: 1 });
      if (ending === "failed") rush.abort();
      running ??= run();
    },
    async idle() {
      rush.abort();
      await running;
    },
  };
}
