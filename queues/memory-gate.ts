// Producers stop while Redis is filling up: at its memory limit every worker would fail, and that must never be the producer's doing.

import type { Redis } from "ioredis";
import type { Clock } from "../src/runtime/clock.ts";

/** Share of `maxmemory` at which producers wait. */
const FULL_SHARE = 0.7;
const READ_EVERY_MS = 1_000;

export interface MemoryGate {
  /** False while Redis holds more than 70 % of its `maxmemory` (as of at most a second ago); true where it has no limit. */
  hasRoom(): Promise<boolean>;
}

export function createMemoryGate(redis: Redis, clock: Clock): MemoryGate {
  let readAt = Number.NEGATIVE_INFINITY;
  let room = true;
  return {
    async hasRoom() {
      if (clock.now() - readAt < READ_EVERY_MS) return room;
      readAt = clock.now();
      const info = await redis.info("memory");
      const read = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
      const limit = read("maxmemory");
      room = limit === 0 || read("used_memory") < limit * FULL_SHARE;
      return room;
    },
  };
}
