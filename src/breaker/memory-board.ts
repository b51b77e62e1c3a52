// The breakers of one process, in its memory.

import type { Clock } from "../runtime/clock.ts";
import type { BreakerBoard } from "./breaker-board.ts";
import type { BreakerSettings } from "./breaker-machine.ts";
import { EMPTY_TALLY, joined, type Tally } from "./tally.ts";

/** A field's counts: of each cell of time, and the streak through all of them. */
interface SlidingCounts {
  readonly cells: ReadonlyMap<number, Tally>;
  readonly streak: number;
}

export function createMemoryBoard({ clock, settings }: { clock: Clock; settings: BreakerSettings }): BreakerBoard {
  const states = new Map<string, Map<string, string>>();
  const counted = new Map<string, SlidingCounts>();

  const statesOf = (provider: string) => {
    const found = states.get(provider) ?? new Map<string, string>();
    states.set(provider, found);
    return found;
  };

  const read = (provider: string) => ({ now: clock.now(), states: new Map(statesOf(provider)) });

  const add = (key: string, tally: Tally): Tally => {
    const current = Math.floor(clock.now() / settings.cellMs);
    const oldest = Math.floor((clock.now() - settings.windowMs) / settings.cellMs) + 1;
    const earlier = counted.get(key);
    const cells = new Map([...(earlier?.cells ?? [])].filter(([cell]) => cell >= oldest));
    cells.set(current, joined(cells.get(current) ?? EMPTY_TALLY, tally));
    const { streak } = joined({ ...EMPTY_TALLY, streak: earlier?.streak ?? 0 }, tally);
    counted.set(key, { cells, streak });
    return { ...[...cells.values()].reduce(joined), streak };
  };

  return {
    async read(provider) {
      return read(provider);
    },
    async count(provider, counts) {
      const windows = new Map(Array.from(counts, ([field, tally]) => [field, add(`${provider} ${field}`, tally)]));
      return { ...read(provider), windows };
    },
    async swap(provider, field, expected, next) {
      const own = statesOf(provider);
      if (own.get(field) !== expected) return own.get(field);
      if (next === undefined) {
        own.delete(field);
        counted.delete(`${provider} ${field}`);
      } else own.set(field, next);
      return next;
    },
  };
}
