// What a plan can go by: what the fleet has learned of a task's calls (in Redis), and trials of its models (in the store).

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Fleet } from "../src/config/fleet.ts";
import { StoppedError } from "../src/job/errors.ts";
import type { ProviderSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import type { Result } from "../src/job/result.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { Purpose } from "../src/job/trail.ts";
import { createRedisLessonBook } from "../src/prompt/redis-lesson-book.ts";
import type { DimensionUse } from "../src/limits/limit-use.ts";
import { readLimitUse } from "../src/limits/redis-limit-use.ts";
import type { LessonSums } from "../src/prompt/lesson-sums.ts";
import type { TrialAnswer, TrialRow } from "../src/plan/replay-trials.ts";
import type { Store } from "../src/results/store.ts";
import { toStats } from "../src/routing/call-sums.ts";
import type { ModelStats } from "../src/routing/model-stats.ts";
import { createRedisStatsBook } from "../src/routing/redis-stats-book.ts";
import type { RedisConnection } from "../queues/connection.ts";
import { openFleet } from "./open-fleet.ts";

/** By `task|model`. */
export interface Learned {
  readonly lessons: ReadonlyMap<string, LessonSums>;
  readonly stats: ReadonlyMap<string, ModelStats>;
  /** Limits that are lower than configured by the vendors' own word, per minute. */
  readonly vendorLimits: ReadonlyMap<ModelId, readonly Pick<DimensionUse, "dimension" | "limit">[]>;
  /** Rows of the batch that have a result already. */
  readonly doneRows: number;
}

export interface Trials {
  readonly rows: readonly TrialRow[];
  /** Unix ms of the first answer. */
  readonly at: number;
  /** They are rows of the file that is planned. */
  readonly isWithin?: true;
}

const NOTHING_LEARNED: Learned = { lessons: new Map(), stats: new Map(), vendorLimits: new Map(), doneRows: 0 };
export const NO_TRIALS: Trials = { rows: [], at: 0 };

/** `whyBlind`: why nothing is known. A server of our own is started only where it has been before. */
export async function readLearned(fleet: Fleet, batch: string | undefined): Promise<Learned & { readonly whyBlind?: string }> {
  if (fleet.redisUrl === undefined && !existsSync(resolve(fleet.dataDir, "redis")))
    return { ...NOTHING_LEARNED, whyBlind: "no fleet has run here" };
  try {
    const open = await openFleet({}, { fleet });
    try {
      const [learned, status] = await Promise.all([
        readBooks(open.redis, fleet.providers.values()),
        batch === undefined ? undefined : open.states.status(batch),
      ]);
      return { ...learned, doneRows: status?.done ?? 0 };
    } finally {
      await open.close();
    }
  } catch (error) {
    if (error instanceof StoppedError) return { ...NOTHING_LEARNED, whyBlind: error.message };
    throw error;
  }
}

export async function readBooks(redis: RedisConnection, providers: Iterable<ProviderSpec>): Promise<Omit<Learned, "doneRows">> {
  const lessons = new Map<string, LessonSums>();
  const stats = new Map<string, ModelStats>();
  const vendorLimits = new Map<ModelId, readonly DimensionUse[]>();
  await Promise.all(
    Array.from(providers, async (spec) => {
      const [learned, seen, use] = await Promise.all([
        createRedisLessonBook({ redis, provider: spec.name }).read(),
        createRedisStatsBook({ redis, provider: spec.name }).read(),
        readLimitUse(redis, spec),
      ]);
      for (const [subject, sums] of learned) lessons.set(subject, sums);
      for (const [subject, sums] of seen) stats.set(subject, toStats(sums));
      for (const [model, { dimensions }] of use)
        vendorLimits.set(
          model,
          dimensions.filter(({ isVendors }) => isVendors),
        );
    }),
  );
  return { lessons, stats, vendorLimits };
}

/** Those of the task's pilot that asked most rows. A pilot's batches belong together when their rows stand in the same lines. */
export async function findTrials(store: Store, task: TaskSpec): Promise<Trials> {
  const pilots: Pilot[] = [];
  for (const batch of await store.batches()) if (isTrialBatch(batch, task)) await addBatch(store, batch, task, pilots);
  return pilots.reduce<Trials>((best, { rows, at }) => (rows.size > best.rows.length ? { rows: [...rows.values()], at } : best), NO_TRIALS);
}

/** As a pilot names its batches (pilot-trial.ts). */
export function isTrialBatch(batch: string, { name }: Pick<TaskSpec, "name">): boolean {
  const prefix = `pilot-${name.slice(0, 40)}-`;
  return batch.startsWith(prefix) && /^[0-9a-f]{16}$/.test(batch.slice(prefix.length));
}

/** Of batches that are known to belong together. */
export async function readTrialBatches(store: Store, task: TaskSpec, batches: readonly string[]): Promise<Trials> {
  const pilot = newPilot();
  for (const batch of batches) await addBatch(store, batch, task, [pilot]);
  return { rows: [...pilot.rows.values()], at: pilot.at };
}

interface Pilot {
  /** By row: its line, as the sample had it. */
  readonly lines: Map<number, number | undefined>;
  readonly rows: Map<number, Map<ModelId, TrialAnswer>>;
  at: number;
}

function newPilot(): Pilot {
  return { lines: new Map(), rows: new Map(), at: Number.POSITIVE_INFINITY };
}

async function addBatch(store: Store, batch: string, task: TaskSpec, pilots: Pilot[]): Promise<void> {
  let pilot: Pilot | undefined;
  for await (const result of store.read(batch)) {
    if (result.task !== task.name) return;
    if (!pilot) {
      pilot = pilots.find(({ lines }) => !lines.has(result.row) || lines.get(result.row) === result.line);
      if (!pilot) pilots.push((pilot = newPilot()));
    }
    pilot.lines.set(result.row, result.line);
    pilot.at = Math.min(pilot.at, result.finishedAt);
    const found = trialAnswer(result);
    if (!found) continue;
    const row = pilot.rows.get(result.row) ?? new Map<ModelId, TrialAnswer>();
    pilot.rows.set(result.row, row.set(found.model, found.answer));
  }
}

/** Undefined where the model was not asked to the end. */
function trialAnswer(result: Result): { readonly model: ModelId; readonly answer: TrialAnswer } | undefined {
  const call = result.trail.findLast(({ purpose, outcome }) => purpose === "answer" && ANSWERED.has(outcome));
  if (!call) return undefined;
  const isPassed = result.status === "answered" && result.model === call.model;
  const of = (wanted: Purpose) => result.trail.filter(({ purpose }) => purpose === wanted);
  return {
    model: call.model,
    answer: { call, repairs: of("repair"), judged: of("judge"), ...(isPassed ? { answer: result.answer } : {}) },
  };
}

const ANSWERED: ReadonlySet<string> = new Set(["answered", "unfit", "refused"]);
