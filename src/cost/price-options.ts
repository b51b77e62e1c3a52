// The options of a model's price: dollars per million tokens, as the vendor prints them.

import { z } from "zod";
import type { Price } from "../job/model.ts";
import { priceFromDollars } from "./price.ts";

const dollarsPerMillion = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return priceFromDollars(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

/** `cachedInput` and `cacheWrite` cost what `input` does where they aren't given. */
export const priceOptions = z
  .strictObject({
    input: dollarsPerMillion,
    output: dollarsPerMillion,
    cachedInput: dollarsPerMillion.optional(),
    cacheWrite: dollarsPerMillion.optional(),
  })
  .transform(({ input, output, cachedInput, cacheWrite }): Price => ({
    input,
    output,
    cachedInput: cachedInput ?? input,
    cacheWrite: cacheWrite ?? input,
  }));
