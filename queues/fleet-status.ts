// How the whole fleet is doing, read from Redis alone: batches, queues, models, processes, and what should worry somebody. The dashboard, the
// metrics and `modelfleet status` show the same reading.

import type { Redis } from "ioredis";
import type { Fleet } from "../src/config/fleet.ts";
import { isOver, type BatchState, type BatchStatus } from "../src/job/batch.ts";
import type { AccountState } from "../src/cost/purse.ts";
import { readBudgetStates } from "../src/cost/redis-budget-states.ts";
import type { ModelId } from "../src/job/names.ts";
import type { LimitUse } from "../src/limits/limit-use.ts";
import { readLimitUse } from "../src/limits/redis-limit-use.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { batchKeys } from "../src/runtime/keys.ts";
import type { BatchStates } from "./batch-state.ts";
import { budgetWarnings } from "./budget-warnings.ts";
import { readStatus } from "./batch-status.ts";
import { readBreakers } from "./breaker-states.ts";
import { readDrifts } from "./drift-notes.ts";
import { liveProcesses, type Heartbeat } from "./fleet-registry.ts";
import { fleetWarnings } from "./fleet-warnings.ts";
import { modelStatuses, type ModelStatus, type ModelTotals } from "./model-status.ts";
import { modelWarnings } from "./model-warnings.ts";
import { readQueueDepths, type QueueDepth } from "./queue-depths.ts";
import type { QueueSet } from "./queue-set.ts";
import { readSpendToday, type SpendToday } from "./spend-today.ts";
import { readWork, type WorkStatus } from "./work-status.ts";

/** Batches shown unless told otherwise. */
const BATCHES_SHOWN = 50;
/** Among this many of the newest batches, live ones are found however old they are. */
const BATCHES_LOOKED_AT = 1_000;
const MODEL_FIELD = /^model:(.+):(calls|costNanoUsd)$/;

export type { ModelStatus, ModelTotals };

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
  /** Accounts of the budgets in their present periods. */
  readonly budgets: readonly AccountState[];
  /** What the day's calls come to, as far as their results are stored. */
  readonly spendToday: SpendToday;
  /** How the models have done on each task of late. */
  readonly work: readonly WorkStatus[];
  readonly processes: readonly Heartbeat[];
  /** Sentences, each with what to do. */
  readonly warnings: readonly string[];
}

export interface BatchInFleet extends BatchStatus {
  /** What its stored results took, by model id. */
  readonly models: Readonly<Record<string, ModelTotals>>;
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
  const [{ batches, batchesLeftOut }, queues, breakers, uses, processes, drifts, budgets, spendToday] = await Promise.all([
    readBatches(options, options.batchLimit ?? BATCHES_SHOWN),
    readQueueDepths(options),
    readBreakers(redis, fleet.models.keys()),
    readUses(redis, fleet),
    liveProcesses(redis),
    readDrifts(redis),
    readBudgetStates(redis, fleet.budgets),
    readSpendToday(redis, clock.now()),
  ]);
  const work = await readWork(redis, fleet, drifts);
  const models = modelStatuses(fleet, { batches, queues, breakers, uses, processes });
  return {
    at: clock.now(),
    configHash: fleet.hash,
    batches,
    batchesLeftOut,
    queues,
    models,
    budgets,
    spendToday,
    work,
    processes: processes.toSorted((a, b) =>
      a.roles.join() === b.roles.join() ? a.startedAt - b.startedAt : a.roles.join() < b.roles.join() ? -1 : 1,
    ),
    warnings: [...fleetWarnings({ fleet, batches, processes, drifts }), ...modelWarnings({ fleet, models }), ...budgetWarnings(budgets)],
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

/** One reading for each provider. */
async function readUses(redis: Redis, fleet: Fleet): Promise<ReadonlyMap<ModelId, LimitUse>> {
  const uses = await Promise.all(Array.from(fleet.providers.values(), (provider) => readLimitUse(redis, provider)));
  return new Map(uses.flatMap((each) => [...each]));
}
