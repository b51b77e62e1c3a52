import type { StatsBook } from "../../src/routing/stats-book.ts";
import { createMemoryStatsBook } from "../../src/routing/memory-stats-book.ts";
import { statsContract } from "../contracts/stats-contract.ts";
import { createManualClock } from "../support/manual-clock.ts";

const clock = createManualClock();
const books = new Map<string, StatsBook>();

statsContract("in memory", {
  open(provider) {
    const book = books.get(provider) ?? createMemoryStatsBook({ clock });
    books.set(provider, book);
    return book;
  },
  clock,
  pass: (ms) => clock.advance(ms),
  age: (_provider, ms) => clock.advance(ms),
});
