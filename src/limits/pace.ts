// The pace of a model: a rate of calls learned from refusals, for vendors that tell nothing of their limits (additive increase, multiplicative
// decrease), and for those that ask to slow down. It stands beside the configured limits, and ends when it has grown past them.
// (The same arithmetic runs inside Redis, in pace-lua.ts.)
//
// none ──(a refusal)──▶ held at a share of the rate that was refused ──(its time is over)──▶ growing, a little each second ──(past the limit)──▶ none
//                         ▲───────────────(another refusal, of a call granted since)───────────────┘
// Refusals that follow on each other without a call that went well hold the model altogether, twice as long each time.

import { HORIZON_MS } from "./permit-book.ts";

/** Calls per millisecond unless said otherwise; times are unix ms. */
export interface Pace {
  /** At `heldUntil`; it grows by `growth` per millisecond from then on. */
  readonly perMs: number;
  readonly heldUntil: number;
  readonly growth: number;
  /** The rate before the refusals: what growth and floor go by. */
  readonly reference: number;
  readonly loweredAt: number;
  /** Times it was lowered since a call last went well. */
  readonly strikes: number;
}

export type PaceCause = "blind" | "slow-down";

/** Held for a second, so that calls under way can tell of the new pace; recovered in a quarter of a minute. */
export const BLIND = { share: 0.7, heldMs: 1_000, growthPerMs: 0.02 / 1_000 };
/** OpenAI asks for a reduced rate for at least 15 minutes, and a gradual return (its guide to error codes). */
export const SLOW_DOWN = { share: 0.5, heldMs: 15 * 60_000, growthPerMs: 0.5 / (15 * 60_000) };
/** The slowest pace: a share of the reference, and never less than a call in ten seconds. */
export const FLOOR_SHARE = 0.02;
export const FLOOR_PER_MS = 1 / 10_000;
/** What a reference loses with each refusal, so that it follows a limit that became lower. */
export const REFERENCE_SHARE = 0.9;
/** Where no limit is configured a pace ends at this many times its reference. */
export const UNLIMITED_SHARE = 4;
export const FIRST_HOLD_MS = 500;
export const LONGEST_HOLD_MS = 30_000;
export const PACE_BURST_MS = 250;

export function paceRate({ perMs, heldUntil, growth }: Pace, now: number): number {
  return perMs + growth * Math.max(0, now - heldUntil);
}

/** Whether the pace no longer slows anything: it has grown past the limit, or where there is none far past its reference. */
export function isOver(pace: Pace, limitPerMs: number | undefined, now: number): boolean {
  return paceRate(pace, now) >= (limitPerMs ?? pace.reference * UNLIMITED_SHARE);
}

/**
 * The pace after a refusal of a call that was granted at `grantedAt`, while calls were granted at `flowPerMs`. Calls that had their
 * ticket before the pace was lowered tell nothing new. `holdMs`: no calls at all for so long.
 */
export function afterRefusal(
  pace: Pace | undefined,
  cause: PaceCause,
  { grantedAt, flowPerMs, now }: { readonly grantedAt: number; readonly flowPerMs: number; readonly now: number },
): { readonly pace: Pace; readonly holdMs: number } {
  if (pace && grantedAt <= pace.loweredAt + HORIZON_MS) return { pace, holdMs: 0 };
  const { share, heldMs, growthPerMs } = cause === "blind" ? BLIND : SLOW_DOWN;
  const current = pace ? Math.min(paceRate(pace, now), flowPerMs) : flowPerMs;
  const reference = pace ? Math.max(current, pace.reference * REFERENCE_SHARE) : current;
  const isSlowed = pace !== undefined && pace.growth < reference * BLIND.growthPerMs;
  const strikes = pace ? pace.strikes + 1 : 0;
  return {
    pace: {
      perMs: Math.max(current * share, reference * FLOOR_SHARE, FLOOR_PER_MS),
      heldUntil: Math.max(pace?.heldUntil ?? 0, now + heldMs),
      // A slow-down's patience outlives the refusals in between.
      growth: isSlowed && pace ? Math.min(pace.growth, reference * growthPerMs) : reference * growthPerMs,
      reference,
      loweredAt: now,
      strikes,
    },
    holdMs: strikes < 2 ? 0 : Math.min(LONGEST_HOLD_MS, FIRST_HOLD_MS * 2 ** (strikes - 2)),
  };
}

/** A call granted at `grantedAt` went well: refusals before it no longer add up. */
export function afterSuccess(pace: Pace, grantedAt: number): Pace {
  return pace.strikes > 0 && grantedAt > pace.loweredAt ? { ...pace, strikes: 0 } : pace;
}
