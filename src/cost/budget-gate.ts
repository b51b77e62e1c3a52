// Whether the budgets let a job's call be bound now: as they were read last, and no script for each decision. The reservation has the last word.

import { accountsOf, type BudgetSpec, type Spending } from "./budget.ts";
import type { AccountState } from "./purse.ts";

/** Why no call of this spending is let through; undefined: one is. An account whose last reservation was refused is shut until there is room for that one. */
export function whyShut(budgets: readonly BudgetSpec[], states: ReadonlyMap<string, AccountState>, spending: Spending): string | undefined {
  for (const { id, budget, isBinding } of accountsOf(budgets, spending)) {
    const state = states.get(id);
    if (!isBinding || !state || !isUsedUp(state)) continue;
    const until = state.endsAt === undefined ? "" : ` until ${new Date(state.endsAt).toISOString().slice(0, 16)}Z`;
    return `budget ${budget.name}${state.value === "" ? "" : ` of ${state.value}`} is used up${until}`;
  }
  return undefined;
}

export function isUsedUp({ limitNanoUsd, spentNanoUsd, reservedNanoUsd, refusedNanoUsd = 1 }: AccountState): boolean {
  return spentNanoUsd + reservedNanoUsd + refusedNanoUsd > limitNanoUsd;
}

export function accountKey({ budget, value }: Pick<AccountState, "budget" | "value">): string {
  return `${budget.name}|${value}`;
}
