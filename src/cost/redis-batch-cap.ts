// The budget of one batch alone, in Redis beside the others: its limit stands under its account.

import type { Redis } from "ioredis";
import { budgetKeys } from "../runtime/keys.ts";
import { BATCH_CAP } from "./budget.ts";
import type { AccountState } from "./purse.ts";
import { readBudgetStates } from "./redis-budget-states.ts";

/** `spentNanoUsd`: what the batch has cost so far, if it had no such budget before. */
export async function setBatchCap(
  redis: Redis,
  batch: string,
  { limitNanoUsd, spentNanoUsd }: { readonly limitNanoUsd: number; readonly spentNanoUsd: number },
): Promise<void> {
  await redis.hsetnx(budgetKeys.spent, fieldOf(batch), spentNanoUsd);
  await redis.hset(budgetKeys.limits, accountOf(batch), limitNanoUsd);
}

/** Its jobs are limited by the fleet's budgets alone. What was spent stays, unless the batch is over. */
export async function removeBatchCap(redis: Redis, batch: string, { isOver }: { readonly isOver: boolean }): Promise<void> {
  await redis.hdel(budgetKeys.limits, accountOf(batch));
  if (isOver) await Promise.all([budgetKeys.spent, budgetKeys.refused].map((key) => redis.hdel(key, fieldOf(batch))));
}

export async function readBatchCap(redis: Redis, batch: string): Promise<AccountState | undefined> {
  const states = await readBudgetStates(redis, [BATCH_CAP]);
  return states.find(({ value }) => value === batch);
}

function accountOf(batch: string): string {
  return `${BATCH_CAP.name}|${batch}`;
}

/** Of the one period that a budget over all time has. */
function fieldOf(batch: string): string {
  return `${accountOf(batch)}@0`;
}
