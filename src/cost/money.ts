// Arithmetic of nano-dollars: whole numbers in, whole numbers out, through BigInt where a product or a long sum leaves what a double holds.

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

/** The amount in dollars with all its digits, for files that programs read: `1.5`, `0.000000042`. The inverse of {@link nanoUsdFromDollars}. */
export function exactDollars(nanoUsd: number): string {
  const digits = String(Math.abs(nanoUsd)).padStart(DECIMALS + 1, "0");
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return `${nanoUsd < 0 ? "-" : ""}${digits.slice(0, -DECIMALS)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Throws a RangeError when an amount isn't a whole number, or the sum can't be held exactly (nine million dollars). */
export function sumNanoUsd(amounts: Iterable<number>): number {
  let sum = 0n;
  for (const amount of amounts) sum += whole(amount);
  return held(sum);
}

/** `amount × part / of`, rounded half up: a budget's share, a price relative to another. `part` and `of` are whole numbers, `of` above 0. */
export function shareNanoUsd(amount: number, { part, of }: { readonly part: number; readonly of: number }): number {
  return held(dividedHalfUp(whole(amount) * whole(part), whole(of)));
}

/**
 * Divides an amount by whole weights so that the parts add up to it again: each part is within a nano-dollar of its share, and what
 * rounding leaves goes to those that lost most by it, the first of equals. Without any weight all parts are equal.
 */
export function splitNanoUsd(amount: number, weights: readonly number[]): readonly number[] {
  if (weights.length === 0) throw new RangeError("an amount can't be divided into no parts");
  const given = weights.map(whole);
  if (given.some((weight) => weight < 0n)) throw new RangeError(`an amount can't be divided by negative weights: ${weights.join(", ")}`);
  const shares = given.every((weight) => weight === 0n) ? given.map(() => 1n) : given;
  const total = shares.reduce((sum, weight) => sum + weight, 0n);
  const products = shares.map((weight) => whole(amount) * weight);
  const parts = products.map((product) => dividedDown(product, total));
  const left = Number(whole(amount) - parts.reduce((sum, part) => sum + part, 0n));
  const byLoss = products
    .map((product, i) => ({ i, lost: product - (parts[i] ?? 0n) * total }))
    .toSorted((a, b) => (a.lost === b.lost ? a.i - b.i : a.lost > b.lost ? -1 : 1));
  for (const { i } of byLoss.slice(0, left)) parts[i] = (parts[i] ?? 0n) + 1n;
  return parts.map(held);
}

function whole(value: number): bigint {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number that can be counted exactly`);
  return BigInt(value);
}

function held(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} nano-dollars are more than can be counted exactly`);
  return number;
}

function dividedHalfUp(dividend: bigint, divisor: bigint): bigint {
  return dividedDown(2n * dividend + divisor, 2n * divisor);
}

/** BigInt's own division goes towards zero. */
function dividedDown(dividend: bigint, divisor: bigint): bigint {
  if (divisor <= 0n) throw new RangeError(`a share of ${divisor} parts is no share`);
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
