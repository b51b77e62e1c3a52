// The budget of one batch alone, in Redis beside the others: its limit stands under its account. That there is one is told by each claim of the batch's rows, so
// that it holds for those that are queued already.

import type { Redis } from "ioredis";
import { isOver, type BatchState } from "../job/batch.ts";
import { batchKeys, budgetKeys } from "../runtime/keys.ts";
import { redisScript, runScript } from "../runtime/redis-script.ts";
import { BATCH_CAP } from "./budget.ts";
import type { AccountState } from "./purse.ts";
import { readBudgetStates } from "./redis-budget-states.ts";

const setScript = redisScript(`
-- KEYS 1 spent 2 limits 3 refused  ARGV 1 account 2 field 3 limit 4 spent, at least: without a cap nothing was counted here
if tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or '0') < tonumber(ARGV[4]) then redis.call('HSET', KEYS[1], ARGV[2], ARGV[4]) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
-- What an earlier limit refused says nothing of this one.
redis.call('HDEL', KEYS[3], ARGV[2])
return 1
`);

/** `spentNanoUsd`: what the batch has cost so far. */
export async function setBatchCap(
  redis: Redis,
  batch: string,
  { limitNanoUsd, spentNanoUsd }: { readonly limitNanoUsd: number; readonly spentNanoUsd: number },
): Promise<void> {
  const keys = [budgetKeys.spent, budgetKeys.limits, budgetKeys.refused];
  await runScript(redis, setScript, keys, [accountOf(batch), fieldOf(batch), String(limitNanoUsd), String(spentNanoUsd)]);
  await redis.hset(batchKeys(batch).meta, "capped", 1);
}

/** Its jobs are limited by the fleet's budgets alone. What was spent stays, unless the batch is over. */
export async function removeBatchCap(redis: Redis, batch: string, { isOver }: { readonly isOver: boolean }): Promise<void> {
  await redis.hdel(batchKeys(batch).meta, "capped");
  await redis.hdel(budgetKeys.limits, accountOf(batch));
  if (isOver) await Promise.all([budgetKeys.spent, budgetKeys.refused].map((key) => redis.hdel(key, fieldOf(batch))));
}

export async function readBatchCap(redis: Redis, batch: string): Promise<AccountState | undefined> {
  return (await readBatchCaps(redis)).find(({ value }) => value === batch);
}

/** Of all batches that have one. */
export async function readBatchCaps(redis: Redis): Promise<readonly AccountState[]> {
  const states = await readBudgetStates(redis, [BATCH_CAP]);
  return states.filter(({ limitNanoUsd }) => limitNanoUsd !== BATCH_CAP.limitNanoUsd);
}

/** For whoever looks. Those whose batch is over or unknown are taken away here: the command that set one may not have seen the end. */
export async function readLiveBatchCaps(redis: Redis): Promise<readonly AccountState[]> {
  const caps = await readBatchCaps(redis);
  const states = await Promise.all(caps.map(({ value }) => redis.hget(batchKeys(value).meta, "state") as Promise<BatchState | null>));
  const isLive = (i: number) => states[i] != null && !isOver(states[i]);
  await Promise.all(caps.filter((_, i) => !isLive(i)).map(({ value }) => removeBatchCap(redis, value, { isOver: true })));
  return caps.filter((_, i) => isLive(i));
}

function accountOf(batch: string): string {
  return `${BATCH_CAP.name}|${batch}`;
}

/** Of the one period that a budget over all time has. */
function fieldOf(batch: string): string {
  return `${accountOf(batch)}@0`;
}
