// Amounts of money, from what people write to whole nano-dollars. (Sums of these are sums of whole numbers, exact up to nine million dollars.)

import { parseDecimal } from "./decimal.ts";

/** A dollar has 10^9 nano-dollars. */
const DECIMALS = 9;

/**
 * Nano-dollars, exactly, of an amount that people write: `1.5`, `"0.000042"`, `"$1.00"`, `"$1,234.57"`. Throws a RangeError naming the value
 * when it is no such amount, is finer than a nano-dollar, or above nine million dollars, where whole numbers end to be exact.
 */
export function nanoUsdFromDollars(dollars: string | number): number {
  const text = String(dollars).trim().replace(/^\$/, "");
  const parsed = parseDecimal(/^\d{1,3}(?:,\d{3})+(?:\.|$)/.test(text) ? text.replaceAll(",", "") : text, DECIMALS);
  const shown = JSON.stringify(String(dollars).slice(0, 40));
  if (parsed.kind === "no-decimal") throw new RangeError(`${shown} is not an amount: write dollars, such as 1.50 or "$1.50"`);
  if (parsed.kind === "finer") throw new RangeError(`${shown} is finer than a nano-dollar: give at most ${DECIMALS} decimals`);
  if (parsed.units > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${shown} is above the highest amount that can be counted`);
  return Number(parsed.units);
}
