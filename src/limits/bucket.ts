// A token bucket as one number: the time at which it will be full again. It refills continuously; a charge moves that time away, a credit
// brings it nearer. (The same arithmetic runs inside Redis, in bucket-lua.ts.)

import type { Limits } from "../job/model.ts";
import { DIMENSIONS, type Dimension } from "./charging.ts";

/** Less than this is the rounding of floating-point times, not a wait. */
const ROUNDING_MS = 0.001;

/** How fast a bucket refills and how much it holds, measured in time at its rate. */
export interface BucketRate {
  readonly perMs: number;
  readonly burstMs: number;
}

/** The rates of the limited dimensions. A bucket of requests holds at least one request, whatever the burst. */
export function bucketRates(limits: Limits, burstMs: number): ReadonlyMap<Dimension, BucketRate> {
  const rates = new Map<Dimension, BucketRate>();
  for (const dimension of DIMENSIONS) {
    const perMinute = limits[dimension];
    if (perMinute === undefined) continue;
    const perMs = perMinute / 60_000;
    rates.set(dimension, { perMs, burstMs: dimension === "rpm" ? Math.max(burstMs, 1 / perMs) : burstMs });
  }
  return rates;
}

/**
 * Milliseconds until the bucket can pay `amount`, behind `queuedMs` of charges that are before it in line; 0: now. More than the bucket
 * holds is paid once it is full, and takes it below zero: a large call waits longest, but is never impossible.
 */
export function bucketWaitMs(fullAt: number, amount: number, rate: BucketRate, now: number, queuedMs = 0): number {
  if (amount <= 0) return 0;
  const debtMs = Math.max(0, fullAt - now) + queuedMs;
  const waitMs = debtMs + Math.min(amount / rate.perMs, rate.burstMs) - rate.burstMs;
  return waitMs > ROUNDING_MS ? waitMs : 0;
}

/** The new `fullAt` after a charge, or after a credit (`amount` < 0). A bucket never holds more than its burst: credit beyond full is lost. */
export function chargeBucket(fullAt: number, amount: number, rate: BucketRate, now: number): number {
  return Math.max(fullAt, now) + amount / rate.perMs;
}

/** The new `fullAt` when the vendor says that only `remaining` is left: lowered at once, never raised. */
export function lowerBucket(fullAt: number, remaining: number, rate: BucketRate, now: number): number {
  return Math.max(fullAt, now + rate.burstMs - remaining / rate.perMs);
}
