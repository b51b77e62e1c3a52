// Which of a model's prices hold for a call.

import type { Price, TokenPrices } from "../job/model.ts";

/**
 * The prices of a call with so many input tokens, cached parts included. A tier takes the place of the model's prices for all of the call's
 * tokens, not only for those above it: that is how OpenAI, Google, Anthropic and xAI charge long inputs.
 */
export function tokenPricesFor(price: Price, inputTokens: number): TokenPrices {
  return price.tiers?.findLast((tier) => inputTokens > tier.aboveInputTokens) ?? price;
}
