// What a simulated call costs: whole numbers only, rounded once.

import type { Price } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";

/** Prices as written, in dollars per million tokens, in whole pico-dollars per token. */
export function toPrice(dollars: {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
}): Price {
  const input = pico(dollars.input);
  return {
    input,
    output: pico(dollars.output),
    cachedInput: dollars.cachedInput === undefined ? input : pico(dollars.cachedInput),
    cacheWrite: dollars.cacheWrite === undefined ? input : pico(dollars.cacheWrite),
  };
}

function pico(dollarsPerMillion: number): number {
  return Math.round(dollarsPerMillion * 1e6);
}

/** The price of a call in nano-dollars: summed in pico-dollars, rounded once, half up. */
export function costNanoUsd(usage: Usage, price: Price): number {
  const plainInput = usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens;
  const pico =
    plainInput * price.input +
    usage.cachedInputTokens * price.cachedInput +
    usage.cacheWriteTokens * price.cacheWrite +
    usage.outputTokens * price.output;
  const rest = pico % 1000;
  return (pico - rest) / 1000 + (rest >= 500 ? 1 : 0);
}
