// What every process of the fleet is given: configuration, connections, clock, log. Made once in scripts, passed to each worker.

import type { Breaker } from "../src/breaker/breaker.ts";
import type { Fleet } from "../src/config/fleet.ts";
import type { CallStats } from "../src/routing/call-stats.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { Logger } from "../src/runtime/logger.ts";
import type { BatchStates } from "../queues/batch-state.ts";
import type { RedisConnection } from "../queues/connection.ts";
import type { Peers } from "../queues/fleet-registry.ts";
import type { QueueSet } from "../queues/queue-set.ts";

export interface ProcessContext {
  readonly fleet: Fleet;
  /** A connection that waits for Redis to come back rather than failing. */
  readonly redis: RedisConnection;
  readonly states: BatchStates;
  readonly queues: QueueSet;
  readonly breaker: Breaker;
  /** How the models did on each task, by the whole fleet. */
  readonly stats: CallStats;
  /** The other processes of the fleet. */
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a process runs. */
export interface FleetPart {
  /** Stops taking work, lets what runs end within `graceMs`, hands the rest back. Idempotent. */
  stop(graceMs: number): Promise<void>;
}
