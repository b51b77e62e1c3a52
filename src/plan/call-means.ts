// What sums of calls come to: means with their scatter, shares, and how one figure goes with another.

import type { TokenParts } from "./plan.ts";
import type { CallTally, CountTally } from "./step-sums.ts";

/** Mean and standard deviation, of answers. */
export function meanOutput({ answers, outputTokens, outputSquares }: CallTally): { readonly mean: number; readonly scatter: number } {
  return moments(answers, outputTokens, outputSquares);
}

/** Shares of the input, and of the output. */
export function partsOf({ inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens }: CallTally): TokenParts {
  const input = Math.max(1, inputTokens);
  return { cached: cachedInputTokens / input, written: cacheWriteTokens / input, reasoning: reasoningTokens / Math.max(1, outputTokens) };
}

export function meanInput({ answers, inputTokens, inputSquares }: CallTally): { readonly mean: number; readonly scatter: number } {
  return moments(answers, inputTokens, inputSquares);
}

function moments(of: number, sum: number, squares: number) {
  const mean = of > 0 ? sum / of : 0;
  return { mean, scatter: of > 0 ? Math.sqrt(Math.max(0, squares / of - mean ** 2)) : 0 };
}

/** Fewer show no slope. */
const LEAST_FOR_SLOPE = 50;
const CLEARLY = 4;

/** How one figure goes with another, by least squares. */
export interface Slope {
  readonly slope: number;
  /** Standard error. */
  readonly error: number;
}

/** Tokens of output for each one of input, where answers clearly grow with their rows; else 0. */
export function outputSlope({ answers, inputTokens, inputSquares, outputTokens, outputSquares, products }: CallTally): number {
  const found = slopeOf(answers, { sum: inputTokens, squares: inputSquares }, { sum: outputTokens, squares: outputSquares }, products);
  return found && found.slope > CLEARLY * found.error ? found.slope : 0;
}

/** Vendor's tokens of input for each one of ours; undefined where too few were counted, or all are as long. */
export function countSlope({ calls, ours, oursSquares, theirs, theirsSquares, products }: CountTally): Slope | undefined {
  return slopeOf(calls, { sum: ours, squares: oursSquares }, { sum: theirs, squares: theirsSquares }, products);
}

interface Sums {
  readonly sum: number;
  readonly squares: number;
}

function slopeOf(of: number, x: Sums, y: Sums, products: number): Slope | undefined {
  if (of < LEAST_FOR_SLOPE) return undefined;
  const inX = moments(of, x.sum, x.squares);
  const inY = moments(of, y.sum, y.squares);
  if (inX.scatter === 0 || inY.scatter === 0) return undefined;
  const covariance = products / of - inX.mean * inY.mean;
  const slope = covariance / inX.scatter ** 2;
  const unexplained = Math.max(0, inY.scatter ** 2 - slope * covariance);
  return { slope, error: Math.sqrt(unexplained / (of - 2)) / inX.scatter };
}
