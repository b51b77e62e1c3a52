// `run --max-cost`: a budget for the batch alone, and the command's end when that is used up.
//
// set before a row is fed ──▶ reserved and settled at each call, as all budgets are ──▶ a call could not be paid, and none is in flight ──▶ the command stops

import { isUsedUp } from "../src/cost/budget-gate.ts";
import { readBatchCap, removeBatchCap, setBatchCap } from "../src/cost/redis-batch-cap.ts";
import { formatCount, formatUsd } from "../src/report/format.ts";
import type { BatchSession } from "./batch-session.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { say } from "./terminal.ts";

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

/** Without `limitNanoUsd` a cap that the batch had before is taken away. */
export async function capBatch(
  { redis, states, clock }: OpenFleet,
  session: BatchSession,
  limitNanoUsd: number | undefined,
): Promise<BatchCap> {
  const { batch, isOver, isResumed } = session;
  const spent = new AbortController();
  if (limitNanoUsd === undefined || isOver) {
    if (isResumed) await removeBatchCap(redis, batch, { isOver });
    const nothing = () => Promise.resolve();
    return { spent: spent.signal, look: nothing, tell: nothing, remove: nothing };
  }
  const before = await states.status(batch);
  await setBatchCap(redis, batch, { limitNanoUsd, spentNanoUsd: before?.costNanoUsd ?? 0 });
  let stillSince: number | undefined;

  return {
    spent: spent.signal,
    async look() {
      const state = await readBatchCap(redis, batch);
      const isStill = state !== undefined && state.refusedNanoUsd !== undefined && isUsedUp(state) && state.reservedNanoUsd === 0;
      stillSince = isStill ? (stillSince ?? clock.now()) : undefined;
      if (stillSince !== undefined && clock.now() - stillSince >= STILL_MS) spent.abort();
    },
    async tell() {
      const [state, status] = await Promise.all([readBatchCap(redis, batch), states.status(batch)]);
      const rows = status?.total === undefined ? "" : ` of ${formatCount(status.total)}`;
      say(
        `stopped by --max-cost: ${formatUsd(state?.spentNanoUsd ?? 0)} of ${formatUsd(limitNanoUsd)} are spent, and a call more would pass it.`,
      );
      say(
        `${formatCount(status?.done ?? 0)}${rows} rows of batch ${batch} have their results. The same command with a higher --max-cost, or without one, goes on from there.`,
      );
    },
    remove: () => removeBatchCap(redis, batch, { isOver: true }),
  };
}
