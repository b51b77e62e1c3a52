// A token bucket as one number: the time at which it will be full again. It refills continuously; a charge moves that time away, a credit
// brings it nearer. (The same arithmetic runs inside Redis, in scope-lua.ts.)

import { DAY_MS } from "../job/day.ts";
import type { Limits } from "../job/model.ts";
import { DIMENSIONS, type Dimension } from "./charging.ts";

/** Less than this is the rounding of floating-point times, not a wait. */
const ROUNDING_MS = 0.001;
const MINUTE_MS = 60_000;
/** What every vendor is assumed to let through at once, and half of it: ours where it isn't configured. */
export const VENDOR_BURST_MS = 1_000;
const DEFAULT_BURST_MS = VENDOR_BURST_MS / 2;

/**
 * A call that takes most of what the vendor's bucket is assumed to hold finds it full enough only if it travels no faster than the one before it: from `fromMs` on
 * (its size as time at the rate) it waits `ms` longer, and one that needs the whole bucket `wholeMs`. Bodies with many tokens travel less evenly.
 */
export interface Travel {
  readonly fromMs: number;
  readonly ms: number;
  readonly wholeMs: number;
}

const REQUEST_TRAVEL: Travel = { fromMs: VENDOR_BURST_MS, ms: 20, wholeMs: 20 };
const TOKENS_TRAVEL: Travel = { fromMs: 0.7 * VENDOR_BURST_MS, ms: 20, wholeMs: 30 };

/** How fast a bucket is raised towards what the vendor says: this share of the time since it was last raised, of a second at most. */
export const RAISE_SHARE = 0.2;
export const RAISE_WITHIN_MS = 1_000;
/** Calls on their way are charged here and not there: so much less taken there means nothing. */
export const RAISE_BEYOND_MS = 200;

/** How fast a bucket refills and how much it holds, measured in time at its rate. */
export interface BucketRate {
  readonly perMs: number;
  readonly burstMs: number;
  readonly travel: Travel;
}

/** The rates of the limited dimensions. A bucket of requests holds at least one request, whatever the burst; one of requests per day holds the whole day's. */
export function bucketRates(limits: Limits): ReadonlyMap<Dimension, BucketRate> {
  const burstMs = limits.burstMs ?? DEFAULT_BURST_MS;
  const rates = new Map<Dimension, BucketRate>();
  for (const dimension of DIMENSIONS) {
    const limit = limits[dimension];
    if (limit === undefined) continue;
    const perMs = limit / (dimension === "rpd" ? DAY_MS : MINUTE_MS);
    if (dimension === "rpd") rates.set(dimension, { perMs, burstMs: DAY_MS, travel: REQUEST_TRAVEL });
    else if (dimension === "rpm") rates.set(dimension, { perMs, burstMs: Math.max(burstMs, 1 / perMs), travel: REQUEST_TRAVEL });
    else rates.set(dimension, { perMs, burstMs, travel: TOKENS_TRAVEL });
  }
  return rates;
}

/**
 * Milliseconds until the bucket can pay `amount`, behind `queuedMs` of charges that are before it in line; 0: now. More than the bucket
 * holds is paid once it is full, and takes it below zero: a large call waits longest, but is never impossible.
 */
export function bucketWaitMs(fullAt: number, amount: number, rate: BucketRate, now: number, queuedMs = 0): number {
  if (amount <= 0) return 0;
  const amountMs = amount / rate.perMs;
  const travelMs = travelOf(amountMs, rate);
  const debtMs = Math.max(0, fullAt + travelMs - now) + queuedMs;
  const waitMs = debtMs + Math.min(amountMs, rate.burstMs) - rate.burstMs;
  return waitMs > ROUNDING_MS ? waitMs : 0;
}

function travelOf(amountMs: number, { burstMs, travel }: BucketRate): number {
  if (amountMs < Math.max(travel.fromMs, burstMs)) return 0;
  return amountMs < VENDOR_BURST_MS ? travel.ms : travel.wholeMs;
}

/** Milliseconds until the smallest of calls could be paid: how long the line is; below 0 where there is none. */
export function bucketLineMs(fullAt: number, rate: BucketRate, now: number, queuedMs = 0): number {
  return Math.max(0, fullAt - now) + queuedMs - rate.burstMs;
}

/**
 * The new `fullAt` when a call is let in, now or by a ticket for later. What it waits for its travel passes over a bucket that is full, and nothing refills: it is
 * lost, there as here.
 */
export function payBucket(fullAt: number, amount: number, rate: BucketRate, now: number): number {
  const amountMs = amount / rate.perMs;
  return Math.max(fullAt + travelOf(amountMs, rate), now) + amountMs;
}

/** The new `fullAt` when a ticket is redeemed: the vendor counts the call from now on, however long it has been paid for. */
export function redeemBucket(fullAt: number, amount: number, rate: BucketRate, now: number): number {
  return Math.max(fullAt, now + amount / rate.perMs);
}

/**
 * The new `fullAt` after a charge, or after a credit (`amount` < 0). A bucket never holds more than its burst: credit beyond full is lost. (0, full since
 * ever: of what was given back nothing is on its way.)
 */
export function chargeBucket(fullAt: number, amount: number, rate: BucketRate, now: number): number {
  const changed = Math.max(fullAt, now) + amount / rate.perMs;
  return amount < 0 && changed <= now + ROUNDING_MS ? 0 : changed;
}

/** What of an unused ticket's amount is given back: what has refilled since it was due is lost, for others may have gone instead. */
export function refundable(amount: number, ticket: number, rate: BucketRate, now: number): number {
  const amountMs = amount / rate.perMs;
  return rate.perMs * Math.min(amountMs, Math.max(0, ticket + Math.max(amountMs, rate.burstMs) - now));
}

/** The new `fullAt` when the bucket holds no more than `levelMs`: lowered at once, never raised. */
export function lowerBucket(fullAt: number, levelMs: number, rate: BucketRate, now: number): number {
  return Math.max(fullAt, now + rate.burstMs - levelMs);
}

/** The new `fullAt` when the vendor has taken no more than `takenMs`, tickets that are still out included; last raised at `raisedAt`. */
export function raiseBucket(fullAt: number, takenMs: number, raisedAt: number, now: number): number {
  const excessMs = fullAt - now - takenMs - RAISE_BEYOND_MS;
  return excessMs > 0 ? fullAt - Math.min(excessMs, RAISE_SHARE * Math.min(RAISE_WITHIN_MS, now - raisedAt)) : fullAt;
}
