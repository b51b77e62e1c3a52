// What a call costs: summed in pico-dollars, exactly, and rounded once.

import type { Price } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";

const PICO_PER_NANO = 1_000n;

/**
 * A call's cost in nano-dollars, rounded half up. An unknown price costs 0 (the call is reported as unpriced). Cached and cache-written
 * tokens are parts of the input and are charged at their own prices; reasoning tokens are output.
 */
export function callCostNanoUsd(usage: Usage, price: Price | undefined): number {
  if (!price) return 0;
  const plainInputTokens = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
  const pico =
    product(plainInputTokens, price.input) +
    product(usage.cachedInputTokens, price.cachedInput) +
    product(usage.cacheWriteTokens, price.cacheWrite) +
    product(usage.outputTokens, price.output);
  return Number((pico + PICO_PER_NANO / 2n) / PICO_PER_NANO);
}

/** BigInt: a million tokens at a thousand dollars a million is already near what a double holds exactly. */
function product(tokens: number, picoPerToken: number): bigint {
  return BigInt(tokens) * BigInt(picoPerToken);
}
