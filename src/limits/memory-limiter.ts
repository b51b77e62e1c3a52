// A limiter in this process's memory: for tests and for a fleet that is one process.

import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBookLimiter } from "./book-limiter.ts";
import type { Limiter } from "./limiter.ts";
import { createMemoryBook } from "./memory-book.ts";

export function createMemoryLimiter({ clock, providers }: { clock: Clock; providers: ReadonlyMap<string, ProviderSpec> }): Limiter {
  return createBookLimiter({ clock, providers, openBook: (provider) => createMemoryBook({ provider, clock }) });
}
