// What a call costs: summed in pico-dollars, exactly, and rounded once.

import type { Price } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";
import { tokenPricesFor } from "./token-prices.ts";

const PICO_PER_NANO = 1_000n;

/**
 * A call's cost in nano-dollars, rounded half up. An unknown price costs 0 (the call is reported as unpriced). Cached and cache-written
 * tokens are parts of the input and are charged at their own prices; so are reasoning tokens, parts of the output, where they have one.
 */
export function callCostNanoUsd(usage: Usage, price: Price | undefined): number {
  if (!price) return 0;
  const { cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
  const plainInputTokens = Math.max(0, usage.inputTokens - cachedInputTokens - cacheWriteTokens);
  const rates = tokenPricesFor(price, plainInputTokens + cachedInputTokens + cacheWriteTokens);
  // Without a price of its own, reasoning needs no line of its own.
  const reasoningTokens = rates.reasoning === undefined ? 0 : Math.min(usage.reasoningTokens, outputTokens);
  const pico =
    product(plainInputTokens, rates.input) +
    product(cachedInputTokens, rates.cachedInput) +
    product(cacheWriteTokens, rates.cacheWrite) +
    product(outputTokens - reasoningTokens, rates.output) +
    product(reasoningTokens, rates.reasoning ?? 0);
  return Number((pico + PICO_PER_NANO / 2n) / PICO_PER_NANO);
}

/** BigInt: a million tokens at a thousand dollars a million is already near what a double holds exactly. */
function product(tokens: number, picoPerToken: number): bigint {
  return BigInt(Math.round(tokens)) * BigInt(picoPerToken);
}
