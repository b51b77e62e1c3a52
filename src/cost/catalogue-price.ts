// From the catalogue's numbers, dollars by kind of unit, to a price; or why they make none.

import type { Price, TokenPrices } from "../job/model.ts";
import { priceFromDollars } from "./price.ts";

interface TieredNumber {
  readonly base: number;
  /** `price` holds for all tokens of a call whose input is above `start`. */
  readonly tiers: readonly { readonly start: number; readonly price: number }[];
}

/** By unit: `…_mtok` is dollars per million tokens. */
export type CatalogueNumbers = Readonly<Record<string, number | TieredNumber | undefined>>;

const TOKENS = ["input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "output_reasoning_mtok"] as const;
type TokenUnit = (typeof TOKENS)[number];

/**
 * What calls of a fleet don't use: searches are tools of the vendors, which it doesn't offer to the models; it asks for no cache of an hour; what it
 * sends is text and images. (Rows that are OpenAI bodies with audio in them are booked at the price of text.)
 */
const UNUSED = new Set([
  "web_searches_kcount",
  "storage_searches_kcount",
  "cache_write_1h_mtok",
  "input_audio_mtok",
  "cache_audio_read_mtok",
  "input_video_mtok",
]);

export type ConvertedPrice = { readonly kind: "price"; readonly price: Price } | { readonly kind: "none"; readonly reason: string };

export function convertPrice(numbers: CatalogueNumbers): ConvertedPrice {
  const units = Object.keys(numbers).filter((unit) => numbers[unit] !== undefined);
  if (units.length === 0) return { kind: "none", reason: "is listed without a price" };
  const foreign = units.filter((unit) => !isTokenUnit(unit) && !UNUSED.has(unit));
  if (foreign.length > 0) return { kind: "none", reason: `is also charged by ${foreign.join(", ")}, not only by tokens of text` };
  if (numbers.input_mtok === undefined || numbers.output_mtok === undefined) {
    return { kind: "none", reason: "is listed without prices for both input and output" };
  }
  const starts = new Set(TOKENS.flatMap((unit) => tiersOf(numbers[unit]).map(({ start }) => start)));
  const tiers = Array.from(starts)
    .toSorted((a, b) => a - b)
    .map((start) => ({ aboveInputTokens: start, ...pricesAbove(numbers, start) }));
  return { kind: "price", price: { ...pricesAbove(numbers, undefined), ...(tiers.length > 0 ? { tiers } : {}) } };
}

function isTokenUnit(unit: string): unit is TokenUnit {
  return TOKENS.some((each) => each === unit);
}

/** Of calls with more than `start` input tokens; undefined: of all calls below the first tier. */
function pricesAbove(numbers: CatalogueNumbers, start: number | undefined): TokenPrices {
  const at = (unit: TokenUnit): number | undefined => {
    const number = numbers[unit];
    if (number === undefined) return undefined;
    const reached = tiersOf(number).filter((tier) => start !== undefined && tier.start <= start);
    const dollars = reached.toSorted((a, b) => a.start - b.start).at(-1)?.price ?? (typeof number === "number" ? number : number.base);
    return pico(dollars);
  };
  const [input = 0, output = 0, cachedInput = input, cacheWrite = input, reasoning] = TOKENS.map(at);
  return { input, output, cachedInput, cacheWrite, ...(reasoning === undefined ? {} : { reasoning }) };
}

function tiersOf(number: number | TieredNumber | undefined): TieredNumber["tiers"] {
  return typeof number === "object" ? number.tiers : [];
}

/** To the nearest pico-dollar: a few of its numbers were computed (0.18000000000000002), and a twelfth of a dollar has no end. */
function pico(dollars: number): number {
  return priceFromDollars(dollars.toFixed(6));
}
