// Who is alive: every process of the fleet says so every two seconds, with what it runs and the digest of its configuration.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import type { Clock } from "../src/runtime/clock.ts";
import { fleetKeys } from "../src/runtime/keys.ts";
import { serverTimeMs } from "../src/runtime/redis-script.ts";

const BEAT_MS = 2_000;
/** A process that has not been heard of for this long is gone. */
const GONE_MS = 10_000;

export interface Heartbeat {
  readonly id: string;
  /** `router`, `reroute`, `recorder`, `web`, or `pool:<provider>`. */
  readonly roles: readonly string[];
  readonly pid: number;
  readonly host: string;
  /** Unix milliseconds by the process's own clock. */
  readonly startedAt: number;
  /** Unix milliseconds by Redis' clock: machines may disagree. */
  readonly at: number;
  readonly configHash: string;
  readonly tasks: readonly string[];
}

export interface Registration {
  stop(): Promise<void>;
}

/** Keeps this process registered until stopped. */
export function registerProcess(redis: Redis, clock: Clock, own: Pick<Heartbeat, "roles" | "configHash" | "tasks">): Registration {
  const id = randomUUID();
  const stopping = new AbortController();
  const startedAt = clock.now();
  const beat = async () => {
    while (!stopping.signal.aborted) {
      await serverTimeMs(redis)
        .then((at) => {
          const heartbeat: Heartbeat = { id, ...own, pid: process.pid, host: hostname(), startedAt, at };
          return redis.hset(fleetKeys.processes, id, JSON.stringify(heartbeat));
        })
        .catch(() => undefined);
      await clock.sleep(BEAT_MS, stopping.signal);
    }
  };
  const running = beat();
  return {
    async stop() {
      stopping.abort();
      await running;
      await redis.hdel(fleetKeys.processes, id).catch(() => undefined);
    },
  };
}

/** The processes heard of lately; those long gone are swept out. */
export async function liveProcesses(redis: Redis): Promise<readonly Heartbeat[]> {
  const all = Object.values(await redis.hgetall(fleetKeys.processes)).map((json) => JSON.parse(json) as Heartbeat);
  const now = await serverTimeMs(redis);
  const gone = all.filter(({ at }) => now - at > 10 * GONE_MS);
  if (gone.length > 0) await redis.hdel(fleetKeys.processes, ...gone.map(({ id }) => id));
  return all.filter(({ at }) => now - at <= GONE_MS);
}

/** Does a running fleet know the task, with every role that a job of it needs? */
export function servesTask(processes: readonly Heartbeat[], task: string, providers: readonly string[]): boolean {
  const has = (role: string, knowsTask = true) =>
    processes.some((each) => each.roles.includes(role) && (!knowsTask || each.tasks.includes(task)));
  return has("router") && has("reroute") && has("recorder", false) && providers.every((provider) => has(`pool:${provider}`));
}
