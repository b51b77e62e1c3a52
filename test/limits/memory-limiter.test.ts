import { createBookLimiter } from "../../src/limits/book-limiter.ts";
import { createMemoryBook } from "../../src/limits/memory-book.ts";
import { createMemoryLimiter } from "../../src/limits/memory-limiter.ts";
import { limiterContract } from "../contracts/limiter-contract.ts";
import { createManualClock } from "../support/manual-clock.ts";

const clock = createManualClock();

limiterContract("in memory", {
  create(provider, processes) {
    const providers = new Map([[provider.name, provider]]);
    if (processes === 1) return [createMemoryLimiter({ clock, providers })];
    const book = createMemoryBook({ provider, clock });
    return Array.from({ length: processes }, () => createBookLimiter({ clock, providers, openBook: () => book }));
  },
  now: () => clock.now(),
  pass: (ms) => clock.advance(ms),
});
