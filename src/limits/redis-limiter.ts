// The fleet's limiter: buckets and leases in Redis, shared by every process.

import type { Redis } from "ioredis";
import type { ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBookLimiter, DEFAULT_BURST_SECONDS } from "./book-limiter.ts";
import type { Limiter } from "./limiter.ts";
import { createRedisBook } from "./redis-book.ts";

/**
 * `burstSeconds`: how much of its rate a bucket holds, in seconds; 0.5 where it isn't given, for a vendor is assumed to hold at least 1.
 * `clock` times the waits of this process; buckets and leases go by the time of Redis. The connection stays the caller's to close.
 */
export function createRedisLimiter({
  redis,
  clock,
  providers,
  burstSeconds = DEFAULT_BURST_SECONDS,
}: {
  redis: Redis;
  clock: Clock;
  providers: ReadonlyMap<string, ProviderSpec>;
  burstSeconds?: number;
}): Limiter {
  const burstMs = burstSeconds * 1_000;
  return createBookLimiter({ clock, providers, burstMs, openBook: (provider) => createRedisBook({ redis, provider, burstMs }) });
}
