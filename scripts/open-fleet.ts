// What most commands begin with: the configuration, a Redis (given, or our own), and the batches in it.

import { resolve } from "node:path";
import type { Fleet } from "../src/config/fleet.ts";
import { loadFleet } from "../src/config/load.ts";
import { systemClock, type Clock } from "../src/runtime/clock.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { createLogger, type Logger } from "../src/runtime/logger.ts";
import { createBatchStates, type BatchStates } from "../queues/batch-state.ts";
import { connectRedis, requireRedis, type RedisConnection } from "../queues/connection.ts";
import { startEmbeddedRedis } from "../queues/embedded-redis.ts";
import { createQueueSet, type QueueSet } from "../queues/queue-set.ts";
import { say } from "./terminal.ts";

export interface OpenFleet {
  readonly fleet: Fleet;
  readonly redisUrl: string;
  /** Fails fast when Redis is away, or waits for it, as `patient` says. */
  readonly redis: RedisConnection;
  readonly states: BatchStates;
  readonly queues: QueueSet;
  readonly clock: Clock;
  close(): Promise<void>;
}

/** The configuration, as commands need it that call no vendor: API keys may be missing. Who calls vendors loads it again. */
export async function loadCommandFleet(options: { readonly config?: string }): Promise<Fleet> {
  const fleet = await loadFleet(options.config, { environment: readEnvironment(), allowMissingSecrets: true });
  for (const warning of fleet.warnings) say(`warning: ${warning}`);
  return fleet;
}

/** `patient`: the command goes on when Redis comes back; others fail. `fleet`: loaded already, by a command that checks its arguments before it asks for a Redis. */
export async function openFleet(
  options: { readonly config?: string },
  given: { readonly patient?: boolean; readonly fleet?: Fleet } = {},
): Promise<OpenFleet> {
  const patient = given.patient ?? false;
  const fleet = given.fleet ?? (await loadCommandFleet(options));
  const server = await findRedis(fleet);
  const redis = connectRedis(server.url, { role: patient ? "worker" : "client", name: "command", log: processLog("command") });
  const queues = createQueueSet(redis);
  return {
    fleet,
    redisUrl: server.url,
    redis,
    states: createBatchStates(redis),
    queues,
    clock: systemClock,
    async close() {
      await queues.stop().catch(() => undefined);
      redis.disconnect();
      await server.stop();
    },
  };
}

export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** The Redis that is configured, or our own on this machine. Throws StoppedError with one clear message when there is none. */
export async function findRedis(fleet: Fleet): Promise<RedisServer> {
  if (fleet.redisUrl !== undefined) {
    const { warnings } = await requireRedis(fleet.redisUrl);
    for (const warning of warnings) say(`warning: ${warning}`);
    return { url: fleet.redisUrl, stop: () => Promise.resolve() };
  }
  return startEmbeddedRedis({ dir: resolve(fleet.dataDir, "redis") });
}

export function processLog(role: string, level?: string): Logger {
  return createLogger({ role, level: level ?? readEnvironment().logLevel });
}
