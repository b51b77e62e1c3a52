// How an account of a budget stands, for people: whether anything is left, and whether that is too little for what waits.

import type { AccountState } from "./purse.ts";

export type AccountStanding =
  | { readonly kind: "open" }
  /** Something is left, and a call that waits needs more. */
  | { readonly kind: "no-room"; readonly neededNanoUsd: number }
  | { readonly kind: "used-up" };

/** A call that was refused, and that no router has held back for so long, waits no more: its batch was cancelled, or it was paid elsewhere. */
const WAITS_NO_MORE_MS = 60_000;

export function standingOf(account: AccountState): AccountStanding {
  const { limitNanoUsd, spentNanoUsd, reservedNanoUsd, refusedNanoUsd } = account;
  const leftNanoUsd = limitNanoUsd - spentNanoUsd - reservedNanoUsd;
  if (leftNanoUsd < 1) return { kind: "used-up" };
  if (refusedNanoUsd === undefined || refusedNanoUsd <= leftNanoUsd || !isWaitedFor(account)) return { kind: "open" };
  return { kind: "no-room", neededNanoUsd: refusedNanoUsd };
}

function isWaitedFor({ refusedMsAgo = 0, heldMsAgo = Infinity }: AccountState): boolean {
  return Math.min(refusedMsAgo, heldMsAgo) < WAITS_NO_MORE_MS;
}
