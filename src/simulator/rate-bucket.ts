// A token bucket with continuous refill: one vendor limit of so much per minute.
//
// It holds at most `burstSeconds` of its rate. A single charge larger than that is let through by a full bucket and leaves it in debt, so that
// a vendor with a small burst still takes large requests. Tokens that are charged while they are produced leave as a drain, beside the refill.

export interface RateBucket {
  readonly perMinute: number;
  readonly capacity: number;
  /** Tokens left; negative while in debt. */
  level(nowMs: number): number;
  /** A charge of zero asks for a bucket that is not in debt. */
  fits(amount: number, nowMs: number): boolean;
  /** Milliseconds of refill until the charge fits; 0 when it does. */
  msUntilFits(amount: number, nowMs: number): number;
  msUntilFull(nowMs: number): number;
  /** Takes the amount, into debt if need be; a negative amount gives back. */
  take(amount: number, nowMs: number): void;
  /** Adds to what flows out continuously (negative: ends such a flow). */
  drain(tokensPerMs: number, nowMs: number): void;
  refill(nowMs: number): void;
}

/** Absorbs floating-point dust, so that the wait just told is enough. */
const DUST = 1e-6;

export function createRateBucket(options: { perMinute: number; burstSeconds: number; nowMs: number }): RateBucket {
  const { perMinute } = options;
  const refillPerMs = perMinute / 60_000;
  const capacity = refillPerMs * 1000 * options.burstSeconds;
  let level = capacity;
  let drainPerMs = 0;
  let updatedMs = options.nowMs;

  const advance = (nowMs: number) => {
    if (nowMs <= updatedMs) return;
    level = Math.min(capacity, level + (refillPerMs - drainPerMs) * (nowMs - updatedMs));
    updatedMs = nowMs;
  };

  const needed = (amount: number) => (amount === 0 ? DUST * 2 : Math.min(amount, capacity));

  return {
    perMinute,
    capacity,
    level(nowMs) {
      advance(nowMs);
      return level;
    },
    fits(amount, nowMs) {
      advance(nowMs);
      return level >= needed(amount) - DUST;
    },
    msUntilFits(amount, nowMs) {
      advance(nowMs);
      return Math.max(0, Math.ceil((needed(amount) - DUST - level) / refillPerMs));
    },
    msUntilFull(nowMs) {
      advance(nowMs);
      return Math.ceil(Math.max(0, capacity - level - DUST) / refillPerMs);
    },
    take(amount, nowMs) {
      advance(nowMs);
      level = Math.min(capacity, level - amount);
    },
    drain(tokensPerMs, nowMs) {
      advance(nowMs);
      drainPerMs = Math.max(0, drainPerMs + tokensPerMs);
    },
    refill(nowMs) {
      advance(nowMs);
      level = capacity;
    },
  };
}
