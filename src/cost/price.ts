// Prices: from dollars per million tokens, as vendors print them, to integers of pico-dollars per token.

import type { Price } from "../job/model.ts";
import { parseDecimal } from "./decimal.ts";

/** One dollar per million tokens is 10^6 pico-dollars per token: six decimal places are exact. */
const DECIMALS = 6;
/** Far above any vendor's price, and low enough for a million tokens' cost to be counted exactly. */
const HIGHEST_DOLLARS = 1_000_000;

/** The price of a model that is declared to cost nothing. */
export const FREE_PRICE: Price = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, free: true };

/**
 * Pico-dollars per token, exactly, from dollars per million tokens written as a decimal (`"0.15"`, `2.5`). Throws a RangeError naming the
 * value when it isn't a decimal, is negative or above a million dollars, or has a part finer than a pico-dollar.
 */
export function priceFromDollars(dollarsPerMillion: string | number): number {
  const text = String(dollarsPerMillion).trim();
  const parsed = parseDecimal(text, DECIMALS);
  switch (parsed.kind) {
    case "no-decimal":
      throw new RangeError(`${show(text)} is not a price: write dollars per million tokens, such as 0.15`);
    case "finer":
      throw new RangeError(
        `${show(text)} dollars per million tokens is finer than a pico-dollar per token: give at most ${DECIMALS} decimals`,
      );
    case "units": {
      if (parsed.units <= BigInt(HIGHEST_DOLLARS) * 10n ** BigInt(DECIMALS)) return Number(parsed.units);
      throw new RangeError(`${show(text)} dollars per million tokens is above the highest price understood (${HIGHEST_DOLLARS})`);
    }
  }
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
