// How much of its limits a model is using: what status, dashboard and metrics show.

import type { Dimension } from "./charging.ts";

export interface DimensionUse {
  readonly dimension: Dimension;
  /** Per minute (requests per day: per day), as configured, or the vendor's own where that is lower. */
  readonly limit: number;
  /** The vendor's headers say so. */
  readonly isVendors: boolean;
  /** Taken lately, in the limit's unit: an average over some seconds; of a day's requests those not yet given back. */
  readonly taken: number;
}

export interface LimitUse {
  /** Of the model's own limits, those it shares and its account's: the tightest of each dimension. */
  readonly dimensions: readonly DimensionUse[];
  /** Calls granted lately, per minute. */
  readonly callsPerMinute: number;
  readonly inFlight: number;
  /** Until when the vendor's word holds the model (unix ms by Redis); 0: not at all. */
  readonly heldUntil: number;
  /** Calls per minute learned from refusals, while they slow it down. */
  readonly pacePerMinute?: number;
}

/** The dimension nearest to its limit; undefined where nothing is limited. */
export function tightestUse({ dimensions }: LimitUse): DimensionUse | undefined {
  return dimensions.reduce<DimensionUse | undefined>(
    (tightest, each) => (!tightest || shareOf(each) > shareOf(tightest) ? each : tightest),
    undefined,
  );
}

export function shareOf({ taken, limit }: DimensionUse): number {
  return taken / limit;
}
