// The options of `modelfleet pilot` as typed, read into numbers.

import type { RowFormat } from "../src/intake/row.ts";
import { UsageError } from "../src/job/errors.ts";
import { readMaxCost } from "./max-cost.ts";

export interface PilotCommandOptions {
  readonly config?: string;
  readonly task?: string;
  readonly sample: string;
  readonly seed: string;
  readonly gold?: string;
  readonly answer?: string;
  readonly models?: readonly string[];
  readonly maxCost?: string;
  readonly floor?: string;
  readonly output?: string;
  readonly html?: string;
  readonly svg?: string;
  readonly json?: boolean;
  readonly format?: RowFormat;
  readonly dataClass?: string;
}

export interface PilotNumbers {
  /** Rows. */
  readonly size: number;
  readonly seed: number;
  /** Absent: no cap. */
  readonly maxCostNanoUsd?: number;
  /** A share. */
  readonly floor?: number;
}

/** @throws UsageError for what is no number, or none that makes sense. */
export function readPilotNumbers({ sample, seed, maxCost, floor }: PilotCommandOptions): PilotNumbers {
  const size = Number(sample);
  if (!Number.isSafeInteger(size) || size < 1) throw new UsageError(`--sample takes a number of rows, not "${sample}"`);
  const seedNumber = Number(seed);
  if (!Number.isSafeInteger(seedNumber)) throw new UsageError(`--seed takes a whole number, not "${seed}"`);
  const maxCostNanoUsd = readMaxCost(maxCost);
  const share = floor === undefined ? undefined : Number(floor);
  if (share !== undefined && !(share > 0 && share <= 1))
    throw new UsageError(`--floor takes a share between 0 and 1, such as 0.95, not "${floor}"`);
  return {
    size,
    seed: seedNumber,
    ...(maxCostNanoUsd === undefined ? {} : { maxCostNanoUsd }),
    ...(share === undefined ? {} : { floor: share }),
  };
}
