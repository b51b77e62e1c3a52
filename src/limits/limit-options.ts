// The options of vendor limits: a model's, an account's, and those that several models share; and how the vendor counts against them.

import { z } from "zod";
import { duration } from "../job/quantity.ts";

const limit = z.int().positive();

/** Requests per minute and day, tokens per minute, and calls in flight over the whole fleet. An absent dimension is unlimited. */
export const limitOptions = z
  .strictObject({
    rpm: limit.optional(),
    rpd: limit.optional(),
    /** Input and output together, as OpenAI counts. */
    tpm: limit.optional(),
    /** Input and output apart, as Anthropic counts. */
    itpm: limit.optional(),
    otpm: limit.optional(),
    concurrency: limit.optional(),
    /** How much of a minute's limit may go at once, as time at its rate. Vendors let a second's worth through at least; absent: half of that. */
    burst: duration.optional(),
  })
  .refine((limits) => limits.tpm === undefined || (limits.itpm === undefined && limits.otpm === undefined), {
    error: "tpm counts input and output together, itpm and otpm count them apart: give one kind or the other",
  })
  .transform(({ burst, ...limits }) => (burst === undefined ? limits : { ...limits, burstMs: burst }));

/** Limits that several models share, by their names within the provider. */
export const sharedLimitOptions = z.array(z.strictObject({ models: z.array(z.string()).min(2), limits: limitOptions }));

/** What differs from how a provider of this kind counts (job/model.ts says what each means). */
export const chargingOptions = z.strictObject({
  upFront: z.enum(["max", "sum", "expected"]).optional(),
  settles: z.boolean().optional(),
  countsFailures: z.boolean().optional(),
  countsCacheReads: z.boolean().optional(),
});

export type LimitOptions = z.output<typeof limitOptions>;
