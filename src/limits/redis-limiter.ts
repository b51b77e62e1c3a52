// The fleet's limiter: buckets and leases in Redis, shared by every process.

import type { Redis } from "ioredis";
import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBookLimiter } from "./book-limiter.ts";
import type { Limiter } from "./limiter.ts";
import { createRedisBook } from "./redis-book.ts";

/** `clock` times the waits of this process; buckets and leases go by the time of Redis. The connection stays the caller's to close. */
export function createRedisLimiter({
  redis,
  clock,
  providers,
}: {
  redis: Redis;
  clock: Clock;
  providers: ReadonlyMap<string, ProviderSpec>;
}): Limiter {
  return createBookLimiter({ clock, providers, openBook: (provider) => createRedisBook({ redis, provider }) });
}
