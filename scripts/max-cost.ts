// The option `--max-cost` as typed, read into nano-dollars.

import { nanoUsdFromDollars } from "../src/cost/money.ts";
import { UsageError } from "../src/job/errors.ts";

/** Undefined: no cap. @throws UsageError for what is no amount. */
export function readMaxCost(dollars: string | undefined): number | undefined {
  if (dollars === undefined) return undefined;
  try {
    const nanoUsd = nanoUsdFromDollars(dollars);
    if (nanoUsd > 0) return nanoUsd;
  } catch {
    // told below
  }
  throw new UsageError(`--max-cost takes dollars, such as 5 or 0.50, not "${dollars}"`);
}
