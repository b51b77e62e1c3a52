// The options of a provider's or a model's vendor limits.

import { z } from "zod";

const limit = z.int().positive();

/** Requests and tokens per minute, and calls in flight over the whole fleet. An absent dimension is unlimited. */
export const limitOptions = z
  .strictObject({
    rpm: limit.optional(),
    /** Input and output together, as OpenAI counts. */
    tpm: limit.optional(),
    /** Input and output apart, as Anthropic counts. */
    itpm: limit.optional(),
    otpm: limit.optional(),
    concurrency: limit.optional(),
  })
  .refine((limits) => limits.tpm === undefined || (limits.itpm === undefined && limits.otpm === undefined), {
    error: "tpm counts input and output together, itpm and otpm count them apart: give one kind or the other",
  });

export type LimitOptions = z.output<typeof limitOptions>;
