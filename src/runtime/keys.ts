// Every Redis key and queue name of the fleet is made here. A name in braces is a hash tag: one slot per concern, no script touches two.

import { escapeModelName, splitModelId, unescapeModelName, type ModelId } from "../job/names.ts";

/** BullMQ's own default prefix, so that foreign clients need to set nothing. It holds no hash tag: the queue names do. */
export const QUEUE_PREFIX = "bull";
const PREFIX = "modelfleet";

export const REROUTE_QUEUE = "{reroute}";
export const DEAD_QUEUE = "{dead}";

export function taskQueue(task: string): string {
  return `{task.${task}}`;
}

export function modelQueue(id: ModelId): string {
  const { provider, name } = splitModelId(id);
  return `{model.${provider}.${escapeModelName(name)}}`;
}

/** What a queue of this fleet holds, by its name; undefined for a foreign queue. */
export function parseQueueName(
  queue: string,
): { kind: "task"; task: string } | { kind: "model"; model: ModelId } | { kind: "reroute" } | { kind: "dead" } | undefined {
  if (queue === REROUTE_QUEUE) return { kind: "reroute" };
  if (queue === DEAD_QUEUE) return { kind: "dead" };
  const [, kind, rest] = /^\{(task|model)\.(.+)\}$/.exec(queue) ?? [];
  if (kind === "task" && rest) return { kind, task: rest };
  const dot = rest?.indexOf(".") ?? -1;
  if (kind !== "model" || !rest || dot < 1) return undefined;
  return { kind, model: `${rest.slice(0, dot)}/${unescapeModelName(rest.slice(dot + 1))}` };
}

/** The hash in which BullMQ keeps one queue job. */
export function queueJobKey(queue: string, jobId: string): string {
  return `${QUEUE_PREFIX}:${queue}:${jobId}`;
}

/** BullMQ's running number of the jobs added to a queue. */
export function queueCounterKey(queue: string): string {
  return `${QUEUE_PREFIX}:${queue}:id`;
}

/** Everything of one batch, in one slot. */
export function batchKeys(batch: string) {
  const base = `${PREFIX}:{batch.${batch}}`;
  return {
    /** Hash: state, counts, cost, totals. */
    meta: `${base}:meta`,
    /** Bitmap of rows that have a result. */
    done: `${base}:done`,
    /** Hash row → `hop|claimed|time|bytes|tokens`: rows enqueued or claimed and not done (queues/scripts/claim.ts). */
    open: `${base}:open`,
    /** Hash `row.hop` → the outcomes of a step's parts. */
    parts: `${base}:parts`,
    /** Stream of results on their way to the store. */
    results: `${base}:results`,
    /** Hash k → digest of the input's k-th thousand rows. */
    digests: `${base}:digests`,
    /** Bitmap of rows whose last result is an error. */
    failed: `${base}:failed`,
    /** Hash row → open entry: rows that vanished from the queues and wait for their producer. */
    missing: `${base}:missing`,
    /** Bitmap of rows re-opened in the present round. */
    retried: `${base}:retried`,
    /** Bitmap of rows of which a second result is stored. */
    extras: `${base}:extras`,
    /** What the recorder is about to store, and what the books had of it before (queues/scripts/announce.ts). */
    announced: `${base}:announced`,
    /** Lease of the live producer, of the recorder. */
    producer: `${base}:producer`,
    recorder: `${base}:recorder`,
  };
}

/** Buckets, permits and breakers of a provider and all its models, in one slot. */
export function providerKeys(provider: string) {
  const base = `${PREFIX}:{provider.${provider}}`;
  return {
    /** Hash: the buckets' levels. */
    buckets: `${base}:buckets`,
    /** Hash call id → lease (model, estimate, expiry). */
    leases: `${base}:leases`,
    /** Sorted set of call ids by the lease's expiry. */
    expiries: `${base}:expiries`,
    /** Hash call id → estimate of calls whose lease ran out unsettled. */
    uncertain: `${base}:uncertain`,
    /** Hash of breaker states, by model id and `*` for the provider. */
    breakers: `${base}:breakers`,
    /** Hash of the breakers' sliding counts. */
    tallies: `${base}:endings`,
    /** Hash `task|model` → what answered calls taught about token counts (prompt/lesson-script.ts). */
    learned: `${base}:learned`,
    /** Hash `task|model` → what its calls of late came to (routing/stats-script.ts). */
    stats: `${base}:stats`,
  };
}

/** All budgets of all scopes, in one slot; in the order of the scripts' KEYS (cost/budget-lua.ts). */
export const budgetKeys = {
  spent: `${PREFIX}:{budget}:spent`,
  reserved: `${PREFIX}:{budget}:reserved`,
  reservations: `${PREFIX}:{budget}:reservations`,
  expiries: `${PREFIX}:{budget}:expiries`,
  limits: `${PREFIX}:{budget}:limits`,
  refused: `${PREFIX}:{budget}:refused`,
};

/** What calls come to while they come in, in one slot; in the order of the script's KEYS (cost/count-script.ts). */
export const totalsKeys = {
  /** Hash batch → the id in its stream of results up to which they are counted. */
  watermarks: `${PREFIX}:{totals}:watermarks`,
  /** Hash task, model and tenant → sums over the fleet's life. */
  fleet: `${PREFIX}:{totals}:fleet`,
  /** The same, each of them as it has been at most: for counters that never fall. */
  fleetMost: `${PREFIX}:{totals}:fleet-most`,
};

/** Hash combination → sums of the calls that began on a day of UTC (`2026-11-23`). */
export function totalsOfDayKey(day: string): string {
  return `${PREFIX}:{totals}:day:${day}`;
}

/** What the whole fleet shares. */
export const fleetKeys = {
  /** Hash process id → heartbeat (JSON). */
  processes: `${PREFIX}:{fleet}:processes`,
  /** Sorted set of live and recent batches, by time of creation. */
  batches: `${PREFIX}:{fleet}:batches`,
  /** Set of known queues. */
  queues: `${PREFIX}:{fleet}:queues`,
  /** Hash derived batch id → how often it was begun anew. */
  generations: `${PREFIX}:{fleet}:generations`,
  /** The identity of the store that belongs to this Redis. */
  store: `${PREFIX}:{fleet}:store`,
  /** Hash `task|model` → what of its answers has fallen off (JSON). */
  drifts: `${PREFIX}:{fleet}:drifts`,
};
