// Whether the budgets let a job's call be bound now: as they were read last, and no script for each decision. The reservation has the last word.

import { accountsOf, type BudgetSpec, type Spending } from "./budget.ts";
import type { AccountState } from "./purse.ts";

/** A call that is expected to cost less than this share of what was refused last may find room where that one didn't. */
const CLEARLY_LESS = 1 / 4;
/** After so long others may try: they may be cheaper than the router thinks, or than what was refused. */
const TRY_AGAIN_MS = 15_000;

export interface ExpectedSpending {
  readonly spending: Spending;
  readonly expectedNanoUsd: number;
}

/**
 * Why no call of this spending is let through; undefined: one is. An account that has just refused a reservation is shut until there is room for that one: to all
 * calls but those that are clearly cheaper. `expectedNanoUsd`: by the router's estimate.
 */
export function whyShut(
  budgets: readonly BudgetSpec[],
  states: ReadonlyMap<string, AccountState>,
  call: ExpectedSpending,
): string | undefined {
  const state = shutAccount(budgets, states, call);
  if (!state) return undefined;
  const until = state.endsAt === undefined ? "" : ` until ${new Date(state.endsAt).toISOString().slice(0, 16)}Z`;
  return `budget ${state.budget.name}${state.value === "" ? "" : ` of ${state.value}`} is used up${until}`;
}

/** The account that doesn't let it through. */
export function shutAccount(
  budgets: readonly BudgetSpec[],
  states: ReadonlyMap<string, AccountState>,
  { spending, expectedNanoUsd }: ExpectedSpending,
): AccountState | undefined {
  for (const { id, isBinding } of accountsOf(budgets, spending)) {
    const state = states.get(id);
    if (!isBinding || !state?.refusedNanoUsd || !isUsedUp(state)) continue;
    const { limitNanoUsd, spentNanoUsd, reservedNanoUsd, refusedNanoUsd, refusedMsAgo = 0 } = state;
    const roomNanoUsd = limitNanoUsd - spentNanoUsd - reservedNanoUsd;
    const isCheap = expectedNanoUsd < CLEARLY_LESS * refusedNanoUsd || refusedMsAgo > TRY_AGAIN_MS;
    if (expectedNanoUsd <= roomNanoUsd && isCheap) continue;
    return state;
  }
  return undefined;
}

/** There is no room for what was refused last, however long ago that was; how it stands for people: account-standing.ts. */
export function isUsedUp({ limitNanoUsd, spentNanoUsd, reservedNanoUsd, refusedNanoUsd = 1 }: AccountState): boolean {
  return spentNanoUsd + reservedNanoUsd + refusedNanoUsd > limitNanoUsd;
}

export function accountKey({ budget, value }: Pick<AccountState, "budget" | "value">): string {
  return `${budget.name}|${value}`;
}
