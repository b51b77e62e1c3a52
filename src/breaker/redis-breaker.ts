// The fleet's breakers, shared through Redis.

import type { Redis } from "ioredis";
import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBoardBreaker } from "./board-breaker.ts";
import type { Breaker } from "./breaker.ts";
import { DEFAULT_BREAKER_SETTINGS, type BreakerSettings } from "./breaker-machine.ts";
import { createRedisBoard } from "./redis-board.ts";

/**
 * `models`: those whose providers' breakers are copied. `refreshMs`: the most that the copy may be old. The other settings are those of
 * breaker-machine.ts. The connection stays the caller's to close.
 */
export function createRedisBreaker({
  redis,
  clock,
  models,
  refreshMs = 250,
  ...changes
}: { redis: Redis; clock: Clock; models: Iterable<ModelId>; refreshMs?: number } & Partial<BreakerSettings>): Breaker {
  const settings = { ...DEFAULT_BREAKER_SETTINGS, ...changes };
  return createBoardBreaker({ board: createRedisBoard({ redis, settings }), clock, models, refreshMs, settings });
}
