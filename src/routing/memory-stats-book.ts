// Calls' sums in this process's memory: for tests, and for a fleet that is one process.

import type { Clock } from "../runtime/clock.ts";
import { fade, foldCalls, NO_CALLS, shareLeft, type CallSums } from "./call-sums.ts";
import type { StatsBook } from "./stats-book.ts";

export function createMemoryStatsBook({ clock }: { readonly clock: Clock }): StatsBook {
  const known = new Map<string, { readonly sums: CallSums; readonly at: number }>();
  const now = (subject: string): CallSums => {
    const found = known.get(subject);
    return found ? fade(found.sums, shareLeft(clock.now() - found.at)) : NO_CALLS;
  };
  return {
    async read() {
      return new Map(Array.from(known.keys(), (subject) => [subject, now(subject)]));
    },
    async add(calls) {
      for (const [subject, sums] of calls) known.set(subject, { sums: foldCalls(now(subject), sums), at: clock.now() });
    },
  };
}
