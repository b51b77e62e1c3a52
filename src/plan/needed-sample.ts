// How large a sample would have to be for a plan's cost to be within a tenth.

import type { PlannedRoute, Plan } from "./plan.ts";

const WANTED_SHARE = 0.1;
/** Of a first sample, before any answer has said how much they differ. */
const FIRST_SAMPLE = 200;
const ROUND_TO = 10;

/** What `--sample` can be asked for. */
export interface Askable {
  /** Good ones of the input. */
  readonly rows: number;
  /** Of one sample (queues.windowRows). */
  readonly mostRows: number;
  /** Of what can be read once only no sample is asked. */
  readonly isFile: boolean;
}

/**
 * Rows, or undefined where the cost is known well enough, or no sample that can be asked would do. An error goes with the root of what was seen, and rows of the file itself are
 * no longer unknown.
 */
export function neededSample(
  route: PlannedRoute | undefined,
  { trialRows, formerRows }: Pick<Plan["history"], "trialRows" | "formerRows">,
  { rows, mostRows, isFile }: Askable,
): number | undefined {
  if (!route || route.costNanoUsd.expected <= 0 || !isFile) return undefined;
  const { low, expected, high } = route.costNanoUsd;
  const off = Math.max(high - expected, expected - low) / expected;
  if (off <= WANTED_SHARE) return undefined;
  const seen = trialRows + formerRows;
  if (seen === 0) return rows > FIRST_SAMPLE ? Math.min(FIRST_SAMPLE, mostRows) : undefined;
  const ofAny = seen * (off / WANTED_SHARE) ** 2;
  const needed = Math.ceil((ofAny * rows) / (ofAny + rows) / ROUND_TO) * ROUND_TO;
  return needed > trialRows && needed < rows && needed <= mostRows ? needed : undefined;
}
