// The pace of a model: a rate of calls learned from refusals, for vendors that tell nothing of their limits (additive increase, multiplicative
// decrease), and for those that ask to slow down. It stands beside the configured limits, and ends when it has grown past them.
// (The same arithmetic runs inside Redis, in pace-lua.ts.)
//
// none ──(a refusal)──▶ held at a share of the rate that was refused ──(its time is over)──▶ growing, a little each second ──(past the limit)──▶ none
//                         ▲───────────────(another refusal, of a call granted since)───────────────┘
// It grows evenly up to the rate that was refused, and beyond that faster and faster: what was refused once may have been far below the limit.
// Refusals that follow on each other without a call that went well hold the model altogether, twice as long each time.

import { HORIZON_MS } from "./permit-book.ts";

/** Calls per millisecond unless said otherwise; times are unix ms. */
export interface Pace {
  /** At `heldUntil`; it grows by `growth` per millisecond from then on, up to `reference`. */
  readonly perMs: number;
  readonly heldUntil: number;
  readonly growth: number;
  /** The rate before the refusals, or the configured one if that is higher: what growth goes by. */
  readonly reference: number;
  readonly loweredAt: number;
  /** The time before that; 0: it was lowered once. */
  readonly loweredBefore: number;
  /** Times it was lowered since a call last went well, beyond the first. */
  readonly strikes: number;
}

export type PaceCause = "blind" | "slow-down";

/** Held for a second, so that calls under way can tell of the new pace; recovered in some ten seconds. */
export const BLIND = { share: 0.8, heldMs: 1_000, growthPerMs: 0.02 / 1_000 };
/**
 * OpenAI asks for a reduced rate for at least 15 minutes, and a gradual return (its guide to error codes). Reduced to what, it leaves open. Half of what went out lately is
 * next to nothing where a model has only just begun, and would be kept up for half an hour: so not below this share of the reference, halved with each refusal without a success.
 */
export const SLOW_DOWN = { share: 0.5, heldMs: 15 * 60_000, growthPerMs: 0.5 / (15 * 60_000), leastShare: 0.05 };
/** Beyond its reference a pace doubles in this time. */
export const DOUBLING_MS = 20_000;
/** Vendors ask everybody in flight to slow down, and go on for a while: that is one request. */
export const SLOW_DOWN_AGAIN_MS = 10_000;
/** The slowest pace: a call in ten seconds. Growth goes by the reference, so it is never stuck there. */
export const FLOOR_PER_MS = 1 / 10_000;
/** What a reference loses with each refusal, so that it follows a limit that is lower than configured. */
export const REFERENCE_SHARE = 0.85;
/** Where no limit is configured a pace ends at this many times its reference. */
export const UNLIMITED_SHARE = 4;
export const FIRST_HOLD_MS = 500;
export const LONGEST_HOLD_MS = 30_000;
/** Little goes at once: what the vendor bears of that isn't known either. */
export const PACE_BURST_MS = 50;

export function paceRate({ perMs, heldUntil, growth, reference }: Pace, now: number): number {
  const linear = perMs + growth * Math.max(0, now - heldUntil);
  if (linear <= reference || growth <= 0) return linear;
  const beyondMs = (linear - reference) / growth;
  return reference * 2 ** (Math.min(beyondMs, 100 * DOUBLING_MS) / DOUBLING_MS);
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
  seen: {
    readonly grantedAt: number;
    readonly flowPerMs: number;
    /** Calls per millisecond; undefined: not configured. */
    readonly limitPerMs: number | undefined;
    readonly now: number;
  },
): { readonly pace: Pace; readonly holdMs: number } {
  const { grantedAt, flowPerMs, limitPerMs = 0, now } = seen;
  if (pace && grantedAt <= pace.loweredAt + HORIZON_MS) return { pace, holdMs: 0 };
  if (pace && cause === "slow-down" && now - pace.loweredAt < SLOW_DOWN_AGAIN_MS) return { pace, holdMs: FIRST_HOLD_MS };
  const { share, heldMs, growthPerMs } = cause === "blind" ? BLIND : SLOW_DOWN;
  const current = pace ? Math.min(paceRate(pace, now), flowPerMs) : flowPerMs;
  const reference = pace ? Math.max(current, pace.reference * REFERENCE_SHARE) : Math.max(current, limitPerMs);
  const isSlowed = pace !== undefined && pace.growth < reference * BLIND.growthPerMs;
  const strikes = pace ? pace.strikes + 1 : 0;
  const least = cause === "slow-down" ? reference * SLOW_DOWN.leastShare * 0.5 ** strikes : 0;
  return {
    pace: {
      perMs: Math.max(current * share, Math.min(least, pace ? paceRate(pace, now) : least), FLOOR_PER_MS),
      heldUntil: Math.max(pace?.heldUntil ?? 0, now + heldMs),
      // A slow-down's patience outlives the refusals in between.
      growth: isSlowed && pace ? Math.min(pace.growth, reference * growthPerMs) : reference * growthPerMs,
      reference,
      loweredAt: now,
      loweredBefore: pace?.loweredAt ?? 0,
      strikes,
    },
    holdMs: strikes < 2 ? 0 : Math.min(LONGEST_HOLD_MS, FIRST_HOLD_MS * 2 ** (strikes - 2)),
  };
}

/**
 * A call granted at `grantedAt` went well: refusals before it no longer add up. An answer takes longer than a refusal: where a call that was granted
 * after it has been refused already, that one refusal counts.
 */
export function afterSuccess(pace: Pace, grantedAt: number): Pace {
  const strikes = grantedAt > pace.loweredAt ? 0 : grantedAt > pace.loweredBefore ? 1 : pace.strikes;
  return strikes < pace.strikes ? { ...pace, strikes } : pace;
}
