// Who is alive: every process of the fleet says so every two seconds, with what it runs and the digest of its configuration, and hears of the others.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import type { ModelId } from "../src/job/names.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { fleetKeys } from "../src/runtime/keys.ts";
import { serverTimeMs } from "../src/runtime/redis-script.ts";

const BEAT_MS = 2_000;
/** A process that has not been heard of for this long is gone. Nothing but shares and advice rests on that: one that was only held up does no harm. */
const GONE_MS = 6_000;
/** Between two beats lies more: Redis was away, or this process held up. */
const LATE_MS = 2 * BEAT_MS;

/** What pools can take of a model. */
export interface Capacity {
  /** Calls they have in hand at once, those that wait for their permit included. */
  readonly slots: number;
  /** Calls that the model's limits allow the whole fleet; absent: nothing limits them. */
  readonly callsPerSecond?: number;
}

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
  /** Of the models whose calls it takes: its slots, and the calls that the limits allow the whole fleet. */
  readonly slots?: Readonly<Record<ModelId, number>>;
  readonly callsPerSecond?: Readonly<Record<ModelId, number>>;
}

/** The other processes of the fleet, as they were heard of with the last beat; they are not forgotten while Redis is away. */
export interface Peers {
  /** Processes that take the model's calls, this one counted whether it does already or not. */
  takers(model: ModelId): number;
  /** What all of them together take; undefined while none has said. */
  capacity(model: ModelId): Capacity | undefined;
  /** What this process takes of the model from now on (undefined: nothing); told with its next beat. */
  tell(model: ModelId, own: Capacity | undefined): void;
}

export interface Registration extends Peers {
  stop(): Promise<void>;
}

/** The peers of a process that is all alone. */
export const NO_PEERS: Peers = { takers: () => 1, capacity: () => undefined, tell: () => undefined };

/** Keeps this process registered until stopped. */
export function registerProcess(redis: Redis, clock: Clock, own: Pick<Heartbeat, "roles" | "configHash" | "tasks">): Registration {
  const id = randomUUID();
  const stopping = new AbortController();
  const startedAt = clock.now();
  const ownCapacity = new Map<ModelId, Capacity>();
  let live: readonly Heartbeat[] = [];
  let readAt = startedAt;

  const beat = async () => {
    const at = await serverTimeMs(redis);
    const heartbeat: Heartbeat = { id, ...own, pid: process.pid, host: hostname(), startedAt, at, ...toFields(ownCapacity) };
    await redis.hset(fleetKeys.processes, id, JSON.stringify(heartbeat));
    const found = await liveProcesses(redis);
    // After an outage everybody's last beat is old: who is missing gets until the next one.
    const isLate = clock.now() - readAt > LATE_MS;
    readAt = clock.now();
    live = isLate ? [...found, ...live.filter((known) => found.every((each) => each.id !== known.id))] : found;
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await beat().catch(() => undefined);
      await clock.sleep(BEAT_MS, stopping.signal);
    }
  })();
  const others = (model: ModelId) => live.flatMap((each) => (each.id === id ? [] : (capacityOf(each, model) ?? [])));

  return {
    takers: (model) => others(model).length + 1,
    capacity: (model) => together([...others(model), ...(ownCapacity.has(model) ? [ownCapacity.get(model)!] : [])]),
    tell(model, capacity) {
      if (capacity) ownCapacity.set(model, capacity);
      else ownCapacity.delete(model);
    },
    async stop() {
      stopping.abort();
      await running;
      await redis.hdel(fleetKeys.processes, id).catch(() => undefined);
    },
  };
}

function toFields(capacities: ReadonlyMap<ModelId, Capacity>): Pick<Heartbeat, "slots" | "callsPerSecond"> {
  const all = Array.from(capacities);
  return {
    slots: Object.fromEntries(all.map(([model, { slots }]) => [model, slots])),
    callsPerSecond: Object.fromEntries(
      all.flatMap(([model, { callsPerSecond }]) => (callsPerSecond === undefined ? [] : [[model, callsPerSecond]])),
    ),
  };
}

/** What a process takes of a model; undefined: nothing. */
export function capacityOf({ slots, callsPerSecond }: Heartbeat, model: ModelId): Capacity | undefined {
  const ownSlots = slots?.[model];
  const allowed = callsPerSecond?.[model];
  return ownSlots === undefined ? undefined : { slots: ownSlots, ...(allowed === undefined ? {} : { callsPerSecond: allowed }) };
}

/** Slots add up; of what the limits allow, which each pool knows from its own calls, the highest word counts. */
export function together(capacities: readonly Capacity[]): Capacity | undefined {
  if (capacities.length === 0) return undefined;
  const slots = capacities.reduce((sum, each) => sum + each.slots, 0);
  const allowed = capacities.map(({ callsPerSecond }) => callsPerSecond ?? Number.POSITIVE_INFINITY);
  const most = Math.max(...allowed);
  return { slots, ...(Number.isFinite(most) ? { callsPerSecond: most } : {}) };
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
