// The options of a model's price: dollars per million tokens, as the vendor prints them, or `free`.

import { z } from "zod";
import type { Price, PriceTier, TokenPrices } from "../job/model.ts";
import { parseDecimal } from "./decimal.ts";
import { FREE_PRICE, priceFromDollars } from "./price.ts";

const MILLIONTHS_DECIMALS = 6;

/** The same words for text and for numbers, so that a problem has them once. */
const error = ({ input }: { readonly input?: unknown }): string =>
  input === undefined ? "is missing (dollars per million tokens)" : "must be dollars per million tokens, such as 0.15";

const dollarsPerMillion = z.union([z.string({ error }), z.number({ error })]).transform((value, context) => {
  try {
    return priceFromDollars(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

/** A share from 0 to 1, in millionths. */
const discount = z.union([z.string(), z.number()]).transform((value, context) => {
  const parsed = parseDecimal(value, MILLIONTHS_DECIMALS);
  if (parsed.kind === "units" && parsed.units <= 1_000_000n) return Number(parsed.units);
  context.addIssue({ code: "custom", message: "must be a share from 0 to 1 of at most six decimals: 0.5 is half price" });
  return z.NEVER;
});

const tokenPrices = {
  input: dollarsPerMillion,
  output: dollarsPerMillion,
  /** Input that the vendor read from its prompt cache. */
  cachedInput: dollarsPerMillion.optional(),
  /** Input that it wrote into its prompt cache (Anthropic; OpenAI since GPT-5.6). */
  cacheWrite: dollarsPerMillion.optional(),
  /** Reasoning tokens, where they don't cost what other output does. */
  reasoning: dollarsPerMillion.optional(),
};

const tiers = z
  .array(z.strictObject({ aboveInputTokens: z.int().positive(), ...tokenPrices }))
  .transform((options): readonly PriceTier[] =>
    options
      .map(({ aboveInputTokens, ...prices }) => ({ aboveInputTokens, ...withDefaults(prices) }))
      .toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens),
  )
  .refine((sorted) => sorted.every((tier, i) => tier.aboveInputTokens !== sorted[i + 1]?.aboveInputTokens), {
    error: "has two tiers with the same aboveInputTokens",
  });

const pricesOptions = z
  .strictObject({
    ...tokenPrices,
    /** The prices of calls with a long input: they hold for all tokens of a call whose input is larger than `aboveInputTokens`. */
    tiers: tiers.optional(),
    /** What the vendor's batch endpoint takes off: 0.5 is half price. */
    batchDiscount: discount.optional(),
  })
  .transform(({ tiers, batchDiscount, ...prices }): Price => ({
    ...withDefaults(prices),
    ...(tiers?.length ? { tiers } : {}),
    ...(batchDiscount === undefined ? {} : { batchDiscountMillionths: batchDiscount }),
  }));

const free = z.literal("free", { error: "must be a mapping such as { input: 0.25, output: 2 }, or free" }).transform(() => FREE_PRICE);

/**
 * Dollars per million tokens, as numbers or as text, of at most six decimals; or `free` for a model that costs nothing, such as one that runs
 * on a machine of one's own. `cachedInput` and `cacheWrite` cost what `input` does where they aren't given, `reasoning` what `output` does; in
 * a tier what the tier's `input` and `output` do.
 */
export const priceOptions = z.union([pricesOptions, free]);

function withDefaults(prices: {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly reasoning?: number | undefined;
}): TokenPrices {
  const { input, output, cachedInput = input, cacheWrite = input, reasoning } = prices;
  return { input, output, cachedInput, cacheWrite, ...(reasoning === undefined ? {} : { reasoning }) };
}
