// How the budgets stand, read from Redis: for whoever routes, and for who looks.

import type { Redis } from "ioredis";
import { soundText } from "../job/sound-text.ts";
import { budgetKeys } from "../runtime/keys.ts";
import { redisScript, runScript, serverTimeMs } from "../runtime/redis-script.ts";
import { BATCH_CAP, periodEnd, periodOf, type BudgetSpec } from "./budget.ts";
import type { AccountState } from "./purse.ts";

type Amounts = Readonly<Record<string, string>>;

interface Reading {
  readonly spent: Amounts;
  readonly reserved: Amounts;
  readonly refused: Amounts;
  readonly limits: Amounts;
  /** Unix ms. */
  readonly now: number;
}

/** Accounts of the present periods that anything was spent or reserved in, or refused; those with limits of their own, and of budgets without values, always. */
export async function readBudgetStates(redis: Redis, budgets: readonly BudgetSpec[]): Promise<readonly AccountState[]> {
  if (budgets.length === 0) return [];
  const [spent, reserved, refused, limits, now] = await Promise.all([
    redis.hgetall(budgetKeys.spent),
    redis.hgetall(budgetKeys.reserved),
    redis.hgetall(budgetKeys.refused),
    redis.hgetall(budgetKeys.limits),
    serverTimeMs(redis),
  ]);
  return toStates(budgets, { spent, reserved, refused, limits, now });
}

/** Only the accounts that have refused a reservation: of thousands of tenants, those that are out of money. */
export async function readRefusingStates(redis: Redis, budgets: readonly BudgetSpec[]): Promise<readonly AccountState[]> {
  if (budgets.length === 0) return [];
  const [refused, limits, now] = await Promise.all([
    redis.hgetall(budgetKeys.refused),
    redis.hgetall(budgetKeys.limits),
    serverTimeMs(redis),
  ]);
  const fields = Object.keys(refused);
  if (fields.length === 0) return [];
  const [spent, reserved] = await Promise.all([
    redis.hmget(budgetKeys.spent, ...fields).then((amounts) => byField(fields, amounts)),
    redis.hmget(budgetKeys.reserved, ...fields).then((amounts) => byField(fields, amounts)),
  ]);
  return toStates(budgets, { spent, reserved, refused, limits, now }).filter(({ refusedNanoUsd }) => refusedNanoUsd !== undefined);
}

function byField(fields: readonly string[], amounts: readonly (string | null)[]): Amounts {
  return Object.fromEntries(fields.map((field, i) => [field, amounts[i] ?? "0"]));
}

function toStates(budgets: readonly BudgetSpec[], { spent, reserved, refused, limits, now }: Reading): readonly AccountState[] {
  const fields = new Set([...Object.keys(spent), ...Object.keys(reserved), ...Object.keys(refused)]);
  return budgets.flatMap((budget) => {
    const suffix = `@${periodOf(budget.per, now)}`;
    const values = new Set(budget.scope === "fleet" ? [""] : budget.of === undefined ? [] : [budget.of]);
    for (const field of fields) {
      if (field.startsWith(`${budget.name}|`) && field.endsWith(suffix)) values.add(field.slice(budget.name.length + 1, -suffix.length));
    }
    // One that was given a limit of its own is shown before anything is spent.
    for (const id of Object.keys(limits)) if (id.startsWith(`${budget.name}|`)) values.add(id.slice(budget.name.length + 1));
    const endsAt = periodEnd(budget.per, now);
    return Array.from(values, (value): AccountState => {
      const field = `${budget.name}|${value}${suffix}`;
      const set = limits[`${budget.name}|${value}`] ?? limits[budget.name];
      return {
        budget,
        value,
        limitNanoUsd: Number(set ?? budget.limitNanoUsd),
        isRaised: set !== undefined && budget !== BATCH_CAP,
        spentNanoUsd: Number(spent[field] ?? 0),
        reservedNanoUsd: Number(reserved[field] ?? 0),
        ...lastRefusal(refused[field], now),
        ...(endsAt === undefined ? {} : { endsAt }),
      };
    });
  });
}

function lastRefusal(refused: string | undefined, now: number): Pick<AccountState, "refusedNanoUsd" | "refusedMsAgo" | "heldMsAgo"> {
  if (refused === undefined) return {};
  const [amount, at = "0", heldAt] = refused.split("@");
  const msAgo = (then: string) => Math.max(0, now - Number(then));
  return {
    refusedNanoUsd: Number(amount),
    refusedMsAgo: msAgo(at),
    ...(heldAt === undefined ? {} : { heldMsAgo: msAgo(heldAt) }),
  };
}

const heldScript = redisScript(`
-- KEYS 1 refused  ARGV fields of accounts: only those that have refused something are noted
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
for _, field in ipairs(ARGV) do
  local refusal = string.match(redis.call('HGET', KEYS[1], field) or '', '^%d+@%d+')
  if refusal then redis.call('HSET', KEYS[1], field, refusal .. '@' .. now) end
end
return 1
`);

/** Calls are held back because of what these accounts have refused: whoever looks sees that somebody still waits. */
export async function noteHeld(redis: Redis, accounts: readonly Pick<AccountState, "budget" | "value">[], now: number): Promise<void> {
  const fields = accounts.map(({ budget, value }) => `${budget.name}|${value}@${periodOf(budget.per, now)}`);
  await runScript(redis, heldScript, [budgetKeys.refused], fields);
}

/**
 * Sets a budget's limit, whatever the configuration says; what it stopped goes on. `value`: of that one account alone. Without a limit: as configured again, and for one
 * account as its budget has it.
 */
export async function setBudgetLimit(
  redis: Redis,
  { budget, value }: { readonly budget: string; readonly value?: string | undefined },
  limitNanoUsd: number | undefined,
): Promise<void> {
  const field = value === undefined ? budget : `${budget}|${soundText(value)}`;
  if (limitNanoUsd === undefined) await redis.hdel(budgetKeys.limits, field);
  else await redis.hset(budgetKeys.limits, field, limitNanoUsd);
}
