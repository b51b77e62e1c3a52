// One process of the fleet: opens what its roles share, starts them, and stops everything in order. The composition root of all workers.

import { createRedisBreaker } from "../src/breaker/redis-breaker.ts";
import type { Fleet } from "../src/config/fleet.ts";
import { StoppedError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { createCallStats, type CallStats } from "../src/routing/call-stats.ts";
import { agreementId } from "../src/routing/drift.ts";
import { createRedisStatsBook } from "../src/routing/redis-stats-book.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { Logger } from "../src/runtime/logger.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { connectRedis, type RedisConnection } from "../queues/connection.ts";
import { registerProcess } from "../queues/fleet-registry.ts";
import { createQueueSet } from "../queues/queue-set.ts";
import { callSubjects } from "./call-request.ts";
import type { FleetPart, ProcessContext } from "./process-context.ts";
import { createRecorder, requireSameStore } from "./recorder.ts";
import { createReroute } from "./reroute.ts";
import { createRouter } from "./router.ts";
import { startPool } from "./start-pool.ts";
import { createWeb } from "./web/web.ts";

export type Role = "router" | "reroute" | "recorder" | "web" | `pool:${string}`;

/** Every role of a whole fleet on one machine. */
export function allRoles(fleet: Fleet, { web }: { readonly web: boolean }): readonly Role[] {
  const pools = Array.from(fleet.providers.keys(), (name): Role => `pool:${name}`);
  return ["router", ...pools, "reroute", "recorder", ...(web ? (["web"] as const) : [])];
}

/** What is waited for beyond the grace time. */
const STOP_MARGIN_MS = 5_000;
/** What parts get that stop after others, however long those took. */
const LATER_PARTS_MS = 1_000;

export interface FleetProcess {
  readonly context: ProcessContext;
  /** Where the web role listens, if it is among the roles. */
  readonly webUrl: string | undefined;
  /** Clean end: no new work, what runs gets `graceMs`, the rest is handed back. Idempotent; throws an AggregateError of what went wrong. */
  stop(graceMs: number): Promise<void>;
}

export async function startFleetProcess(options: {
  readonly fleet: Fleet;
  readonly redisUrl: string;
  readonly roles: readonly Role[];
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<FleetProcess> {
  const { fleet, redisUrl, roles, clock, log } = options;
  const redis = connectRedis(redisUrl, { role: "worker", name: roles.length > 1 ? "fleet" : roles[0]!.replace(":", "-"), log });
  const queues = createQueueSet(redis);
  const breaker = createRedisBreaker({ redis, clock, models: fleet.models.keys() });
  const registration = registerProcess(redis, clock, { roles, configHash: fleet.hash, tasks: Array.from(fleet.tasks.keys()) });
  const stats = openStats(fleet, redis, clock);
  const context: ProcessContext = {
    fleet,
    redis,
    states: createBatchStates(redis),
    queues,
    breaker,
    stats,
    peers: registration,
    clock,
    log,
  };
  const store = openStore(fleet);
  const parts: { readonly role: Role; readonly part: FleetPart }[] = [];
  let webUrl: string | undefined;

  const start = async (role: Role): Promise<FleetPart> => {
    switch (role) {
      case "router":
        return createRouter(context);
      case "reroute":
        return createReroute(context);
      case "recorder":
        await store.probe(); // a user that may only read finds out now, not when the first results come
        await requireSameStore(context, store);
        return createRecorder(context, { store });
      case "web": {
        const web = await createWeb(context);
        webUrl = web.url;
        return web;
      }
      default:
        return startPool(context, role.slice("pool:".length));
    }
  };

  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    const problems: unknown[] = [];
    // While Redis is away nothing can be handed back: the end is not waited for for ever, the jobs will be found stalled.
    const attempt = (what: string, end: Promise<unknown>, withinMs = STOP_MARGIN_MS) =>
      within(clock, withinMs, what, end).catch((error: unknown) => problems.push(error));
    // All of them together: where Redis is away, each would take its whole time.
    const deadline = clock.now() + graceMs + STOP_MARGIN_MS;
    for (const roles of stopOrder(parts.map(({ role }) => role))) {
      const leftMs = Math.max(LATER_PARTS_MS, deadline - clock.now());
      const stage = parts.filter(({ role }) => roles.includes(role));
      await Promise.all(stage.map(({ role, part }) => attempt(role, part.stop(graceMs), leftMs)));
    }
    await attempt("the heartbeat", registration.stop());
    await attempt("the breakers", breaker.stop());
    await attempt("the statistics", stats.stop());
    await attempt("the store", store.stop());
    await attempt("the queues", queues.stop());
    redis.disconnect();
    if (problems.length > 0) throw new AggregateError(problems, "not everything could be stopped");
  };
  try {
    for (const role of roles) parts.push({ role, part: await start(role) });
  } catch (error) {
    await stop(0).catch(() => undefined);
    throw error;
  }
  return {
    context,
    webUrl,
    stop(graceMs) {
      stopping ??= stop(graceMs);
      return stopping;
    },
  };
}

/** Calls that are in flight end in results, some by way of the reroute worker; what has ended then is recorded. */
function stopOrder(roles: readonly Role[]): readonly (readonly Role[])[] {
  const last: readonly Role[] = ["reroute", "recorder"];
  return [roles.filter((role) => !last.includes(role)), ...last.filter((role) => roles.includes(role)).map((role) => [role])];
}

/** Of every task and model, and of the agreements that are watched. */
function openStats(fleet: Fleet, redis: RedisConnection, clock: Clock): CallStats {
  const tasks = [...fleet.tasks.values()];
  const agreements = tasks.flatMap(({ route }) =>
    [...route.steps, ...route.fallback].filter(({ agree }) => agree).map(({ models }) => agreementId(models)),
  );
  return createCallStats({
    books: new Map(Array.from(fleet.providers.keys(), (provider) => [provider, createRedisStatsBook({ redis, provider })])),
    tasks: tasks.flatMap(callSubjects),
    models: new Set([...fleet.models.keys(), ...agreements]),
    clock,
  });
}

async function within(clock: Clock, ms: number, what: string, end: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  const late = clock.sleep(ms, ended.signal).then(() => {
    if (!ended.signal.aborted)
      throw new StoppedError(
        `${what} did not stop within ${ms} ms`,
        "Redis may be away. Nothing is lost: unfinished jobs are found and run again.",
      );
  });
  try {
    await Promise.race([end, late]);
  } finally {
    ended.abort();
  }
}
