// What a vendor's rate-limit headers mean for our buckets. Vendors say what is left; how much their bucket holds when full they don't say, so the
// most that was ever seen stands for it.
//
// Down: other users of the key take from the vendor's bucket and not from ours. Ours is lowered to what the vendor has left, less a reserve for calls that are on their
// way: half of what the vendor's bucket holds beyond ours.
// Up: where a reset is exact, it tells how much the vendor has taken altogether. If that is less than we charged (our estimate of tokens is too high),
// ours is raised towards it.
// Limit: one below the configured one overrules it, for as long as the vendor says so.

import type { LimitReading } from "../job/limit-reading.ts";
import type { ModelId } from "../job/names.ts";
import type { BucketRate } from "./bucket.ts";
import type { PermitReading } from "./permit-book.ts";

const MINUTE_MS = 60_000;
/** Limits that differ by less are the same. */
const SAME_LIMIT = 0.01;
/** Above this share of our burst the vendor's level can't lower anything that matters: most answers ask nothing of Redis. */
const LOW_SHARE = 0.5;
/** Remainders are whole numbers: up to one request more may be left. */
const ROUNDING: Readonly<Record<LimitReading["dimension"], number>> = { rpm: 1, tpm: 0, itpm: 0, otpm: 0 };

export interface HeaderReader {
  /** Undefined: it changes nothing. `rate`: that of the bucket which the reading belongs to, as configured. */
  read(model: ModelId, reading: LimitReading, rate: BucketRate): PermitReading | undefined;
}

export function createHeaderReader(): HeaderReader {
  /** The most that each bucket of the vendor was seen to hold, in milliseconds of its rate. */
  const capacities = new Map<string, number>();
  /** Vendors' limits that overrule configured ones, as told to the book. */
  const overruled = new Map<string, number>();

  return {
    read(model, { dimension, limit, remaining, resetMs, isResetExact }, { perMs, burstMs }) {
      const key = `${dimension} ${model}`;
      const vendorPerMs = limit === undefined || limit <= 0 ? perMs : limit / MINUTE_MS;
      const leftMs = (Math.max(0, remaining) + ROUNDING[dimension]) / vendorPerMs;
      const exactResetMs = isResetExact ? resetMs : undefined;
      const capacityMs = Math.max(capacities.get(key) ?? 0, leftMs + (exactResetMs ?? 0));
      capacities.set(key, capacityMs);

      // A bucket in debt reads as empty: its reset says how deep.
      const isEmpty = remaining <= 0 && dimension !== "rpm" && exactResetMs !== undefined;
      const reserveMs = Math.min(burstMs / 2, Math.max(0, (capacityMs - burstMs) / 2));
      const levelMs = (isEmpty ? Math.min(leftMs, capacityMs - exactResetMs) : leftMs) - reserveMs;

      const isSameLimit = Math.abs(vendorPerMs - perMs) <= SAME_LIMIT * perMs;
      const isLow = levelMs < burstMs * LOW_SHARE;
      const mayRaise = dimension === "tpm" && exactResetMs !== undefined && isSameLimit;
      const overruling = !isSameLimit && vendorPerMs < perMs ? vendorPerMs : 0;
      // The first reading always is: an earlier process may have left another behind.
      const isNews = overruled.get(key) !== overruling;
      overruled.set(key, overruling);

      if (!isLow && !mayRaise && !isNews) return undefined;
      return {
        dimension,
        ...(isLow ? { levelMs } : {}),
        ...(mayRaise ? { takenMs: exactResetMs } : {}),
        ...(isNews ? { perMs: overruling } : {}),
      };
    },
  };
}
