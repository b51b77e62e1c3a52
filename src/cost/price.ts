// Prices: from dollars per million tokens, as vendors print them, to integers of pico-dollars per token.

/** One dollar per million tokens is 10^6 pico-dollars per token: six decimal places are exact. */
const DECIMALS = 6;
/** Far above any vendor's price, and low enough for a million tokens' cost to be counted exactly. */
const HIGHEST_DOLLARS = 1_000_000;

/**
 * Pico-dollars per token, exactly, from dollars per million tokens written as a decimal (`"0.15"`, `2.5`). Throws a RangeError naming the
 * value when it isn't a decimal, is negative or above a million dollars, or has a part finer than a pico-dollar.
 */
export function priceFromDollars(dollarsPerMillion: string | number): number {
  const text = String(dollarsPerMillion).trim();
  const match = /^(\d{1,30})(?:\.(\d{1,30}))?(?:e([+-]?\d{1,2}))?$/i.exec(text);
  if (!match) throw new RangeError(`${show(text)} is not a price: write dollars per million tokens, such as 0.15`);
  const [, whole = "", fraction = "", exponent = "0"] = match;
  // The value is digits × 10^-places dollars; in pico-dollars per token the point moves six places to the right.
  const digits = BigInt(whole + fraction);
  const places = fraction.length - Number(exponent) - DECIMALS;
  const divisor = 10n ** BigInt(Math.max(0, places));
  if (digits % divisor !== 0n) {
    throw new RangeError(
      `${show(text)} dollars per million tokens is finer than a pico-dollar per token: give at most ${DECIMALS} decimals`,
    );
  }
  const pico = (digits / divisor) * 10n ** BigInt(Math.max(0, -places));
  if (pico > BigInt(HIGHEST_DOLLARS) * 10n ** BigInt(DECIMALS)) {
    throw new RangeError(`${show(text)} dollars per million tokens is above the highest price understood (${HIGHEST_DOLLARS})`);
  }
  return Number(pico);
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
