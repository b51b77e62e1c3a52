// The contract of a purse: money is reserved before a call and settled after it, against all budgets of the fleet at once.

import type { BudgetSpec, Spending } from "./budget.ts";

export interface Reservation {
  readonly id: string;
  readonly amountNanoUsd: number;
}

export type ReserveReply =
  | { readonly kind: "reserved"; readonly reservation: Reservation }
  /** There is no money for it in the budget of this name. */
  | { readonly kind: "refused"; readonly budget: string; readonly reason: string };

/** One account of a budget in its present period. */
export interface AccountState {
  readonly budget: BudgetSpec;
  /** The value of its scope; empty for the fleet. */
  readonly value: string;
  /** As configured, or as it was raised to. */
  readonly limitNanoUsd: number;
  /** The limit was set while the fleet ran (`budgets raise`), for the budget or for this account, and stands whatever the configuration says. */
  readonly isRaised?: boolean;
  readonly spentNanoUsd: number;
  readonly reservedNanoUsd: number;
  /** The last reservation that was refused in this period, and how long ago. */
  readonly refusedNanoUsd?: number;
  readonly refusedMsAgo?: number;
  /** How long ago a router last held a call back because of that refusal. */
  readonly heldMsAgo?: number;
  /** Unix ms; absent for a budget over all time. */
  readonly endsAt?: number;
}

export interface Purse {
  /** `amountNanoUsd`: the expected cost. After `lifetimeMs` it counts as spent. Rejects only when Redis does. */
  reserve(spending: Spending, amountNanoUsd: number, lifetimeMs: number): Promise<ReserveReply>;
  /** The call has ended, and this is what it cost. */
  settle(spending: Spending, reservation: Reservation, costNanoUsd: number): Promise<void>;
  /** No call was made. */
  release(reservation: Reservation): Promise<void>;
}
