// A call that waits for its permit: how long until it asks again, when its turn may come, and why it waits.

import type { PermitReply } from "./limiter.ts";
import { ACCOUNT, type PermitAsk, type RefusedAsk } from "./permit-book.ts";

/** Bounds of the pause before the head asks again. The upper one lets it notice what other processes gave back. */
const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;
/** Pause while too many calls are in flight: those of this process wake the line when they end, those of others don't. */
const BUSY_PAUSE_MS = 50;
/** The answer to "when?" while too many calls are in flight. */
export const BUSY_WAIT_MS = 1_000;

export interface Waiter {
  readonly ask: Omit<PermitAsk, "patienceMs">;
  readonly order: number;
  readonly deadline: number;
  resolve(reply: PermitReply): void;
  reject(error: unknown): void;
  refusal: RefusedAsk | undefined;
  /** When its turn is expected, as far as it is known. */
  expectedAt: number | undefined;
  /** Being asked for at this moment. */
  isOut: boolean;
  hasLeft: boolean;
}

/** Until the head of a line asks again. */
export function pauseMs({ by, waitMs }: RefusedAsk): number {
  const jitterMs = Math.random() * 3;
  if (by === "hold") return waitMs + jitterMs;
  if (by === "calls") return BUSY_PAUSE_MS + jitterMs * 5;
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, waitMs)) + jitterMs;
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

export function reasonOf({ ask, refusal }: Waiter): string {
  if (!refusal) return `${ask.model} has others before it`;
  const whose = refusal.scope === ACCOUNT ? "the account" : refusal.scope;
  switch (refusal.by) {
    case "calls":
      return `as many calls of ${whose} in flight as its concurrency limit allows`;
    case "hold":
      return `${whose} is held, the vendor asked for it`;
    case "pace":
      return `${whose} keeps to the pace learned from refusals (learned pace)`;
    case "line":
      return `${whose} has others before it`;
    default:
      return `${refusal.by} limit of ${whose}`;
  }
}
