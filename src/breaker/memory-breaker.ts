// Breakers in this process's memory: for tests and for a fleet that is one process.

import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { createBoardBreaker } from "./board-breaker.ts";
import type { Breaker } from "./breaker.ts";
import { DEFAULT_BREAKER_SETTINGS, type BreakerSettings } from "./breaker-machine.ts";
import { createMemoryBoard } from "./memory-board.ts";

export function createMemoryBreaker({
  clock,
  models,
  refreshMs = 250,
  ...changes
}: { clock: Clock; models: Iterable<ModelId>; refreshMs?: number } & Partial<BreakerSettings>): Breaker {
  const settings = { ...DEFAULT_BREAKER_SETTINGS, ...changes };
  return createBoardBreaker({ board: createMemoryBoard({ clock, settings }), clock, models, refreshMs, settings });
}
