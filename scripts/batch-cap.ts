// `run --max-cost`: a budget for the batch alone, and the command's end when that is used up.
//
// set before a row is fed ──▶ reserved and settled at each call, as all budgets are ──▶ a call could not be paid, and none is in flight
//   ├─ what is left is less than calls have cost so far ──▶ the command stops
//   └─ it isn't: that call was a dear one ──▶ others have had their try, and nothing else kept them from it ──▶ the command stops

import { isUsedUp } from "../src/cost/budget-gate.ts";
import { readBatchCap, removeBatchCap, setBatchCap } from "../src/cost/redis-batch-cap.ts";
import { formatCount, formatUsd } from "../src/report/format.ts";
import { modelQueue, batchKeys } from "../src/runtime/keys.ts";
import type { JobTerms } from "../src/job/job.ts";
import { taskModels } from "../src/job/task.ts";
import type { RedisConnection } from "../queues/connection.ts";
import type { BatchSession } from "./batch-session.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { say } from "./terminal.ts";
import { whyStuck } from "./why-stuck.ts";

export interface BatchCap {
  /** Aborted when there is no money for one call more, and every call that was paid for has ended. */
  readonly spent: AbortSignal;
  /** Called now and then while the batch runs. */
  look(): Promise<void>;
  /** Says what was spent, and how to go on. */
  tell(): Promise<void>;
  /** The batch is over. */
  remove(): Promise<void>;
}

/** It must stand so for this long: between a refusal and the next try nothing is reserved either. */
const STILL_MS = 1_500;
/** Where calls may fit: longer than a refusal keeps others from trying (budget-gate.ts), and than rows lie aside. */
const ALL_TRIED_MS = 20_000;
/** Rows that wait in the models' queues for so long are other batches'. */
const QUEUED_MS = 120_000;
const LOOK_AROUND_EVERY_MS = 2_000;
const MODEL_FIELD = /^model:(.+):calls$/;

/** Without `limitNanoUsd` a cap that the batch had before is taken away. */
export async function capBatch(
  open: OpenFleet,
  session: BatchSession,
  limitNanoUsd: number | undefined,
  terms: JobTerms = {},
): Promise<BatchCap> {
  const { redis, states, clock } = open;
  const { batch, isOver, isResumed } = session;
  const spent = new AbortController();
  if (limitNanoUsd === undefined || isOver) {
    if (isResumed) await removeBatchCap(redis, batch, { isOver });
    const nothing = () => Promise.resolve();
    return { spent: spent.signal, look: nothing, tell: nothing, remove: nothing };
  }
  const before = await states.status(batch);
  await setBatchCap(redis, batch, { limitNanoUsd, spentNanoUsd: before?.costNanoUsd ?? 0 });
  /** Since when nothing is reserved and nothing more was spent, though a call was refused; undefined: that isn't so. */
  let still: { readonly since: number; readonly spentNanoUsd: number } | undefined;
  let lookAroundAt = 0;

  const haveAllTried = async () => {
    if (clock.now() < lookAroundAt) return false;
    lookAroundAt = clock.now() + LOOK_AROUND_EVERY_MS;
    const held = await whyStuck(open, { batch, task: before?.task ?? "", terms });
    // A breaker, its vendor, no fleet: rows that would fit could not try, and have all the time for it when that is over.
    if (held.length > 0) still = undefined;
    const stillMs = still ? clock.now() - still.since : 0;
    return stillMs >= QUEUED_MS || (stillMs >= ALL_TRIED_MS && (await areQueuesEmpty(open, before?.task)));
  };

  return {
    spent: spent.signal,
    async look() {
      const state = await readBatchCap(redis, batch);
      if (state?.refusedNanoUsd === undefined || !isUsedUp(state) || state.reservedNanoUsd > 0) {
        still = undefined;
        return;
      }
      const { limitNanoUsd, spentNanoUsd } = state;
      if (still?.spentNanoUsd !== spentNanoUsd) still = { since: clock.now(), spentNanoUsd };
      if (clock.now() - still.since < STILL_MS) return;
      const cheapestNanoUsd = await cheapestCall(redis, batch);
      if (limitNanoUsd - spentNanoUsd < Math.max(1, cheapestNanoUsd) || (await haveAllTried())) spent.abort();
    },
    async tell() {
      const [state, status] = await Promise.all([readBatchCap(redis, batch), states.status(batch)]);
      const rows = status?.total === undefined ? "" : ` of ${formatCount(status.total)}`;
      const call =
        state?.refusedNanoUsd === undefined ? "a call more" : `a call more, expected to cost ${formatUsd(state.refusedNanoUsd)},`;
      say(
        `stopped by --max-cost: ${formatUsd(state?.spentNanoUsd ?? 0)} of ${formatUsd(limitNanoUsd)} are spent, and ${call} would pass it.`,
      );
      say(
        `${formatCount(status?.done ?? 0)}${rows} rows of batch ${batch} have their results. The same command with a higher --max-cost, or without one, goes on from there.`,
      );
    },
    remove: () => removeBatchCap(redis, batch, { isOver: true }),
  };
}

/** What a call of the batch has cost on the average, at the cheapest of its models that cost anything; 0: none has been made yet. */
async function cheapestCall(redis: RedisConnection, batch: string): Promise<number> {
  const meta = await redis.hgetall(batchKeys(batch).meta);
  const costs = Object.entries(meta).flatMap(([field, calls]) => {
    const [, model] = MODEL_FIELD.exec(field) ?? [];
    const cost = model === undefined ? 0 : Number(meta[`model:${model}:costNanoUsd`] ?? 0) / Number(calls);
    return cost > 0 ? [cost] : [];
  });
  return costs.length === 0 ? 0 : Math.min(...costs);
}

/** No row waits for the limits of its model. */
async function areQueuesEmpty({ fleet, queues }: OpenFleet, task: string | undefined): Promise<boolean> {
  const spec = task === undefined ? undefined : fleet.tasks.get(task);
  const waiting = await Promise.all(
    (spec ? taskModels(spec) : []).map((model) =>
      queues.queue(modelQueue(model)).getJobCountByTypes("wait", "prioritized", "active", "delayed"),
    ),
  );
  return waiting.every((count) => count === 0);
}
