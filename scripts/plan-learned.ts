// What a plan can go by in Redis: what the fleet has learned of a task's calls, and how much of the file is done.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Fleet } from "../src/config/fleet.ts";
import { StoppedError } from "../src/job/errors.ts";
import type { ProviderSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import { createRedisLessonBook } from "../src/prompt/redis-lesson-book.ts";
import type { DimensionUse } from "../src/limits/limit-use.ts";
import { readLimitUse } from "../src/limits/redis-limit-use.ts";
import type { LessonSums } from "../src/prompt/lesson-sums.ts";
import { NOTHING_LEARNED, type Learned } from "../src/plan/learned.ts";
import { toStats } from "../src/routing/call-sums.ts";
import type { ModelStats } from "../src/routing/model-stats.ts";
import { createRedisStatsBook } from "../src/routing/redis-stats-book.ts";
import type { RedisConnection } from "../queues/connection.ts";
import { latestBatch } from "./batch-session.ts";
import { openFleet } from "./open-fleet.ts";

/** `derived`: the id that the file gives its batch. `whyBlind`: why nothing is known. A server of our own is started only where it has been before. */
export async function readLearned(fleet: Fleet, derived: string | undefined): Promise<Learned & { readonly whyBlind?: string }> {
  if (fleet.redisUrl === undefined && !existsSync(resolve(fleet.dataDir, "redis")))
    return { ...NOTHING_LEARNED, whyBlind: "no fleet has run here" };
  try {
    const open = await openFleet({}, { fleet });
    try {
      const [learned, status] = await Promise.all([
        readBooks(open.redis, fleet.providers.values()),
        derived === undefined ? undefined : latestBatch(open.redis, derived).then((batch) => open.states.status(batch)),
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
