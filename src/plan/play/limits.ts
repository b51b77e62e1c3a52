// Limits as a play has them: when a call may go that asks now, behind those that asked before it.

/** A limit that some models share: a rate, or so many calls in flight. */
export interface PlayedLimit {
  /** For people. */
  readonly name: string;
  readonly rate?: PlayedRate;
  readonly concurrency?: number;
}

/** `amount` of the calls' charges per millisecond, and how much of that time may go at once. */
export interface PlayedRate {
  readonly amount: string;
  readonly perMs: number;
  readonly burstMs: number;
  /** What goes at once is a stock: more than is played of a large file. */
  readonly isStock?: true;
}

export type Charge = Readonly<Record<string, number>>;

export interface PermitLine {
  /** When a call may go that asks at `now`: by each of the limits it passes. It is counted by {@link take}. */
  mayGoAt(limits: readonly PlayedLimit[], charge: Charge, now: number): number;
  take(limits: readonly PlayedLimit[], charge: Charge, times: { readonly startAt: number; readonly endAt: number }): void;
}

export function createPermitLine(): PermitLine {
  /** When a bucket is full again. */
  const fullAt = new Map<PlayedLimit, number>();
  /** When each of the places that are taken will be free, soonest first. */
  const places = new Map<PlayedLimit, number[]>();

  const rateAt = ({ rate }: PlayedLimit, full: number, charge: Charge, now: number): number => {
    const amountMs = rate ? (charge[rate.amount] ?? 0) / rate.perMs : 0;
    if (!rate || amountMs <= 0) return now;
    return Math.max(now, full + Math.min(amountMs, rate.burstMs) - rate.burstMs);
  };

  return {
    mayGoAt(limits, charge, now) {
      let at = now;
      for (const limit of limits) {
        at = Math.max(at, rateAt(limit, fullAt.get(limit) ?? Number.NEGATIVE_INFINITY, charge, now));
        const taken = places.get(limit);
        if (limit.concurrency !== undefined && taken && taken.length >= limit.concurrency) at = Math.max(at, taken[0]!);
      }
      return at;
    },
    take(limits, charge, { startAt, endAt }) {
      for (const limit of limits) {
        const { rate, concurrency } = limit;
        if (rate) {
          const amountMs = (charge[rate.amount] ?? 0) / rate.perMs;
          fullAt.set(limit, Math.max(fullAt.get(limit) ?? startAt, startAt) + amountMs);
        }
        if (concurrency === undefined) continue;
        const taken = places.get(limit) ?? [];
        places.set(limit, taken);
        if (taken.length >= concurrency) taken.shift();
        taken.splice(placeOf(taken, endAt), 0, endAt);
      }
    },
  };
}

/** By bisection. */
function placeOf(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
