// A result as people and other programs see it: the fields of an output line, derived once for all formats.

import type { Result } from "../job/result.ts";
import { totalCostNanoUsd } from "../job/trail.ts";

/** All the row's calls together, failed ones included, in dollars. A double holds nano-dollars exactly up to a million dollars. */
export function costUsdOf(result: Result): number {
  return totalCostNanoUsd(result.trail) / 1e9;
}

/** The trail in short: what an error line shows of each call. */
export function shortTrail(result: Result) {
  return result.trail.map(({ model, outcome, reason }) => ({ model, outcome, ...(reason === undefined ? {} : { reason }) }));
}
