// How the whole fleet is doing, read from Redis alone: batches, queues, models, processes, and what should worry somebody. The dashboard, the
// metrics and `modelfleet status` show the same reading.

import type { Redis } from "ioredis";
import type { BreakerState } from "../src/breaker/breaker.ts";
import type { Fleet } from "../src/config/fleet.ts";
import { isOver, type BatchState, type BatchStatus } from "../src/job/batch.ts";
import type { ModelId } from "../src/job/names.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { batchKeys, modelQueue } from "../src/runtime/keys.ts";
import type { BatchStates } from "./batch-state.ts";
import { readStatus } from "./batch-status.ts";
import { readBreakers } from "./breaker-states.ts";
import { liveProcesses, type Heartbeat } from "./fleet-registry.ts";
import { fleetWarnings } from "./fleet-warnings.ts";
import { readQueueDepths, type QueueDepth } from "./queue-depths.ts";
import type { QueueSet } from "./queue-set.ts";

/** Batches shown unless told otherwise. */
const BATCHES_SHOWN = 50;
/** Among this many of the newest batches, live ones are found however old they are. */
const BATCHES_LOOKED_AT = 1_000;
const MODEL_FIELD = /^model:(.+):(calls|costNanoUsd)$/;

export interface FleetStatus {
  /** Unix milliseconds of the reading. */
  readonly at: number;
  /** Digest of this process's own configuration. */
  readonly configHash: string;
  /** Newest first: the live ones, then those that are over as far as the limit goes. */
  readonly batches: readonly BatchInFleet[];
  readonly batchesLeftOut: number;
  readonly queues: readonly QueueDepth[];
  /** Those of the configuration, in its order, then those that only the batches know. */
  readonly models: readonly ModelStatus[];
  readonly processes: readonly Heartbeat[];
  /** Sentences, each with what to do. */
  readonly warnings: readonly string[];
}

export interface ModelTotals {
  readonly calls: number;
  readonly costNanoUsd: number;
}

export interface BatchInFleet extends BatchStatus {
  /** What its stored results took, by model id. */
  readonly models: Readonly<Record<string, ModelTotals>>;
}

export interface ModelStatus extends ModelTotals {
  readonly model: ModelId;
  readonly isConfigured: boolean;
  /** False: its calls are booked at zero, for the configuration has no price. */
  readonly isPriced: boolean;
  readonly breaker: BreakerState;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** How long its queue stays parked because the vendor asked for it; 0 when it is not. */
  readonly parkedMs: number;
}

/** `calls` and `costNanoUsd` of the models are those of the batches listed. `batchLimit`: 50 unless given; live batches count first. */
export async function readFleetStatus(options: {
  readonly redis: Redis;
  readonly states: BatchStates;
  readonly queues: QueueSet;
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly batchLimit?: number;
}): Promise<FleetStatus> {
  const { redis, clock, fleet } = options;
  const [{ batches, batchesLeftOut }, queues, breakers, processes] = await Promise.all([
    readBatches(options, options.batchLimit ?? BATCHES_SHOWN),
    readQueueDepths(options),
    readBreakers(redis, fleet.models.keys()),
    liveProcesses(redis),
  ]);
  return {
    at: clock.now(),
    configHash: fleet.hash,
    batches,
    batchesLeftOut,
    queues,
    models: modelStatuses(fleet, { batches, queues, breakers }),
    processes: processes.toSorted((a, b) =>
      a.roles.join() === b.roles.join() ? a.startedAt - b.startedAt : a.roles.join() < b.roles.join() ? -1 : 1,
    ),
    warnings: fleetWarnings({ fleet, batches, processes }),
  };
}

async function readBatches({ redis, states }: { readonly redis: Redis; readonly states: BatchStates }, limit: number) {
  const names = await states.list();
  const looked = names.slice(0, Math.max(limit, BATCHES_LOOKED_AT));
  const batchStates = await Promise.all(looked.map((batch) => redis.hget(batchKeys(batch).meta, "state") as Promise<BatchState | null>));
  const live = new Set(looked.filter((_, i) => batchStates[i] && !isOver(batchStates[i])));
  const over = new Set(looked.filter((_, i) => batchStates[i] && isOver(batchStates[i])).slice(0, Math.max(0, limit - live.size)));
  const shown = looked.filter((batch) => live.has(batch) || over.has(batch));
  const read = await Promise.all(shown.map((batch) => readBatch(redis, batch)));
  const batches = read.filter((batch) => batch !== undefined);
  return { batches, batchesLeftOut: names.length - batches.length };
}

async function readBatch(redis: Redis, batch: string): Promise<BatchInFleet | undefined> {
  const meta = await redis.hgetall(batchKeys(batch).meta);
  const status = readStatus(batch, meta);
  if (!status) return undefined;
  const models: Record<string, { calls: number; costNanoUsd: number }> = {};
  for (const [field, value] of Object.entries(meta)) {
    const [, model, total] = MODEL_FIELD.exec(field) ?? [];
    if (!model) continue;
    models[model] ??= { calls: 0, costNanoUsd: 0 };
    models[model][total as keyof ModelTotals] = Number(value);
  }
  return { ...status, models };
}

function modelStatuses(
  fleet: Fleet,
  {
    batches,
    queues,
    breakers,
  }: {
    readonly batches: readonly BatchInFleet[];
    readonly queues: readonly QueueDepth[];
    readonly breakers: ReadonlyMap<string, BreakerState>;
  },
): readonly ModelStatus[] {
  const ids = new Set([...fleet.models.keys(), ...batches.flatMap((batch) => Object.keys(batch.models) as ModelId[])]);
  return Array.from(ids, (model) => {
    const depth = queues.find((queue) => queue.name === modelQueue(model));
    const totals = batches.map((batch) => batch.models[model]).filter((total) => total !== undefined);
    return {
      model,
      isConfigured: fleet.models.has(model),
      isPriced: fleet.models.get(model)?.price !== undefined,
      breaker: breakers.get(model) ?? { kind: "closed" },
      waiting: depth?.waiting ?? 0,
      active: depth?.active ?? 0,
      delayed: depth?.delayed ?? 0,
      parkedMs: depth?.parkedMs ?? 0,
      calls: totals.reduce((sum, { calls }) => sum + calls, 0),
      costNanoUsd: totals.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0),
    };
  });
}
