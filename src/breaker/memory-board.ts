// The breakers of one process, in its memory.

import type { Clock } from "../runtime/clock.ts";
import type { BreakerBoard } from "./breaker-board.ts";
import type { BreakerSettings, Tally } from "./breaker-machine.ts";

export function createMemoryBoard({ clock, settings }: { clock: Clock; settings: BreakerSettings }): BreakerBoard {
  const states = new Map<string, Map<string, string>>();
  const cells = new Map<string, Map<number, { ok: number; failed: number }>>();

  const statesOf = (provider: string) => {
    const found = states.get(provider) ?? new Map<string, string>();
    states.set(provider, found);
    return found;
  };

  return {
    async read(provider) {
      return { now: clock.now(), states: new Map(statesOf(provider)) };
    },
    async count(provider, counts) {
      const now = clock.now();
      const cell = Math.floor(now / settings.cellMs);
      const oldest = Math.floor((now - settings.windowMs) / settings.cellMs) + 1;
      const windows = new Map<string, Tally>();
      for (const [field, { ok, failed }] of counts) {
        const key = `${provider} ${field}`;
        const own = cells.get(key) ?? new Map<number, { ok: number; failed: number }>();
        cells.set(key, own);
        const current = own.get(cell) ?? { ok: 0, failed: 0 };
        own.set(cell, { ok: current.ok + ok, failed: current.failed + failed });
        const sum = { ok: 0, failed: 0 };
        for (const [at, counted] of own) {
          if (at < oldest) own.delete(at);
          else {
            sum.ok += counted.ok;
            sum.failed += counted.failed;
          }
        }
        windows.set(field, sum);
      }
      return { now, windows };
    },
    async swap(provider, field, expected, next) {
      const own = statesOf(provider);
      if (own.get(field) !== expected) return own.get(field);
      if (next === undefined) {
        own.delete(field);
        cells.delete(`${provider} ${field}`);
      } else own.set(field, next);
      return next;
    },
  };
}
