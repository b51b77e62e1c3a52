// A limiter in this process's memory: for tests and for a fleet that is one process.

import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBookLimiter, DEFAULT_BURST_SECONDS } from "./book-limiter.ts";
import type { Limiter } from "./limiter.ts";
import { createMemoryBook } from "./memory-book.ts";

/** `burstSeconds`: how much of its rate a bucket holds, in seconds; 0.5 where it isn't given. */
export function createMemoryLimiter({
  clock,
  providers,
  burstSeconds = DEFAULT_BURST_SECONDS,
}: {
  clock: Clock;
  providers: ReadonlyMap<string, ProviderSpec>;
  burstSeconds?: number;
}): Limiter {
  const burstMs = burstSeconds * 1_000;
  return createBookLimiter({ clock, providers, burstMs, openBook: (provider) => createMemoryBook({ provider, clock, burstMs }) });
}
