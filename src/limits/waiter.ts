// A call that waits for its permit: its ticket or why it has none, when its turn may come, and how long until it asks again.

import type { PermitReply } from "./limiter.ts";
import { ACCOUNT, HORIZON_MS, type PermitAsk, type RefusedAsk } from "./permit-book.ts";

/** Bounds of the pause before a line asks again. Less would ask for one permit at a time, more would leave a short line empty. */
const SHORTEST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;
/** Pause while too many calls are in flight: those of this process wake the line when they end, those of others don't. */
const BUSY_PAUSE_MS = 50;
/** The answer to "when?" while too many calls are in flight. */
export const BUSY_WAIT_MS = 1_000;

export interface Waiter {
  readonly ask: Omit<PermitAsk, "patienceMs" | "ticket">;
  readonly order: number;
  readonly deadline: number;
  resolve(reply: PermitReply): void;
  reject(error: unknown): void;
  /** Its place in the fleet's line: the book's word for it, and when it is due here. */
  ticket: { readonly ticket: number; readonly dueAt: number } | undefined;
  refusal: RefusedAsk | undefined;
  /** When its turn is expected, as far as it is known. */
  expectedAt: number | undefined;
  /** Being asked for at this moment. */
  isOut: boolean;
  hasLeft: boolean;
}

/**
 * Until a line asks again whose first waiter was refused: when the fleet's line will have become short. By chance a little sooner or later: of several processes
 * that ask for the same places, each should be the first now and then.
 */
export function pauseMs({ by, waitMs }: RefusedAsk): number {
  const chance = 0.75 + Math.random() * 0.5;
  if (by === "hold") return waitMs + Math.random() * 3;
  if (by === "calls") return BUSY_PAUSE_MS * chance;
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, waitMs - HORIZON_MS)) * chance;
}

/** When a waiter's turn may come: as it was told, or in proportion to the last one before it that was told. */
export function expectedWaitMs(waiters: readonly Waiter[], position: number, now: number): number {
  for (let i = position; i >= 0; i--) {
    const waiter = waiters[i];
    if (waiter?.refusal?.by === "calls") return BUSY_WAIT_MS;
    if (waiter?.expectedAt !== undefined) return (Math.max(1, waiter.expectedAt - now) * (position + 1)) / (i + 1);
  }
  return BUSY_WAIT_MS;
}

/** The vendor holds the model, or the day's requests are used up. */
export function isShut({ refusal }: Waiter): boolean {
  return refusal?.by === "hold" || refusal?.by === "rpd";
}

export function reasonOf({ ask, refusal }: Waiter): string {
  if (!refusal) return `${ask.model} has others before it`;
  const whose = refusal.scope === ACCOUNT ? "the account" : refusal.scope;
  switch (refusal.by) {
    case "calls":
      return `as many calls of ${whose} in flight as its concurrency limit allows`;
    case "hold":
      return `${whose} is held, the vendor asked for it`;
    case "pace":
      return `${whose} keeps to the pace learned from refusals`;
    default:
      return `${refusal.by} limit of ${whose}`;
  }
}
