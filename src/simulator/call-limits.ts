// The limits of one model or of a whole vendor account: a bucket per dimension, and the calls in flight.

import type { Limits } from "../job/model.ts";
import { createRateBucket, type RateBucket } from "./rate-bucket.ts";

export type Dimension = "rpm" | "tpm" | "itpm" | "otpm";

/** What one call takes of each dimension. Zero asks only that the bucket is not in debt; an absent dimension is not looked at. */
export type Charge = Partial<Readonly<Record<Dimension, number>>>;

export interface LimitState {
  readonly dimension: Dimension;
  readonly limit: number;
  /** May be negative. */
  readonly level: number;
  readonly capacity: number;
  readonly fullInMs: number;
}

export interface LimitRefusal {
  readonly dimension: Dimension | "concurrency";
  readonly limit: number;
  readonly remaining: number;
  readonly requested: number;
  /** Absent: no wait would help, the call alone is above the limit. */
  readonly retryAfterMs?: number;
}

export interface CallLimits {
  refusal(charge: Charge, nowMs: number): LimitRefusal | undefined;
  /** Takes the charge; negative amounts give back. */
  take(charge: Charge, nowMs: number): void;
  drainOutput(tokensPerMs: number, nowMs: number): void;
  /** One more call in flight (+1), or one fewer (−1). */
  countInFlight(change: 1 | -1): void;
  states(nowMs: number): readonly LimitState[];
  refill(nowMs: number): void;
}

const DIMENSIONS: readonly Dimension[] = ["rpm", "tpm", "itpm", "otpm"];
/** What a refused call is told when too many are in flight: nobody knows when one ends. */
const CONCURRENCY_RETRY_MS = 1000;

export function createCallLimits(options: { limits: Limits; burstSeconds: number; nowMs: number }): CallLimits {
  const { limits, burstSeconds, nowMs } = options;
  const buckets: [Dimension, RateBucket][] = DIMENSIONS.flatMap((dimension) => {
    const perMinute = limits[dimension];
    return perMinute === undefined ? [] : [[dimension, createRateBucket({ perMinute, burstSeconds, nowMs })]];
  });
  let inFlight = 0;

  return {
    refusal(charge, nowMs) {
      if (limits.concurrency !== undefined && inFlight >= limits.concurrency) {
        return { dimension: "concurrency", limit: limits.concurrency, remaining: 0, requested: 1, retryAfterMs: CONCURRENCY_RETRY_MS };
      }
      let worst: LimitRefusal | undefined;
      for (const [dimension, bucket] of buckets) {
        const requested = charge[dimension];
        if (requested === undefined || (requested <= bucket.perMinute && bucket.fits(requested, nowMs))) continue;
        const tooLarge = requested > bucket.perMinute;
        const refusal: LimitRefusal = {
          dimension,
          limit: bucket.perMinute,
          remaining: bucket.level(nowMs),
          requested,
          ...(tooLarge ? {} : { retryAfterMs: bucket.msUntilFits(requested, nowMs) }),
        };
        worst = longer(worst, refusal);
      }
      return worst;
    },
    take(charge, nowMs) {
      for (const [dimension, bucket] of buckets) bucket.take(charge[dimension] ?? 0, nowMs);
    },
    drainOutput(tokensPerMs, nowMs) {
      for (const [dimension, bucket] of buckets) if (dimension === "otpm") bucket.drain(tokensPerMs, nowMs);
    },
    countInFlight(change) {
      inFlight += change;
    },
    states(nowMs) {
      return buckets.map(([dimension, bucket]) => ({
        dimension,
        limit: bucket.perMinute,
        level: bucket.level(nowMs),
        capacity: bucket.capacity,
        fullInMs: bucket.msUntilFull(nowMs),
      }));
    },
    refill(nowMs) {
      for (const [, bucket] of buckets) bucket.refill(nowMs);
    },
  };
}

/** Asks every scope (account and model) and takes the charge from all of them, or from none: then the refusal with the longest wait. */
export function admit(scopes: readonly CallLimits[], charge: Charge, nowMs: number): LimitRefusal | undefined {
  let worst: LimitRefusal | undefined;
  for (const scope of scopes) worst = longer(worst, scope.refusal(charge, nowMs));
  if (!worst) for (const scope of scopes) scope.take(charge, nowMs);
  return worst;
}

/** Per dimension the scope with least left: what the vendor's headers tell. */
export function tightest(scopes: readonly CallLimits[], nowMs: number): readonly LimitState[] {
  const found = new Map<Dimension, LimitState>();
  for (const state of scopes.flatMap((scope) => scope.states(nowMs))) {
    const other = found.get(state.dimension);
    if (!other || state.level < other.level) found.set(state.dimension, state);
  }
  return [...found.values()];
}

function longer(a: LimitRefusal | undefined, b: LimitRefusal | undefined): LimitRefusal | undefined {
  if (!a || !b) return a ?? b;
  return (b.retryAfterMs ?? Infinity) > (a.retryAfterMs ?? Infinity) ? b : a;
}
