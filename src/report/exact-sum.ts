// Money added up to the nano-dollar, or not at all.

import { UsageError } from "../job/errors.ts";

/** The sum itself. @throws UsageError above nine million dollars, where nano-dollars can no longer be counted one by one. */
export function exactSum(nanoUsd: number): number {
  if (Number.isSafeInteger(nanoUsd)) return nanoUsd;
  throw new UsageError(
    "it comes to more than nine million dollars, which can't be counted exactly",
    "Report fewer batches at once, or narrow --since and --until.",
  );
}
