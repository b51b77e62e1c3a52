// The options of data handling: what a class of data asks for, and what a provider does with the data it is given.

import { z } from "zod";
import { period } from "../job/quantity.ts";

/** A provider's `data`. What isn't said is not known, and bars it from every class that has a rule on it. */
export const dataHandlingOptions = z.strictObject({
  region: z.string().min(1).optional(),
  /** How long it keeps what it was sent; `none`: not at all. */
  retention: period.optional(),
  /** Whether it may train on it. */
  training: z.boolean().optional(),
});

/** A class of data: all of its rules must hold. One without a rule may go anywhere, but must be named to be used. */
export const dataClassOptions = z.strictObject({
  providers: z.array(z.string().min(1)).min(1).optional(),
  regions: z.array(z.string().min(1)).min(1).optional(),
  maxRetention: period.optional(),
  training: z.boolean().optional(),
});

/** A task's `dataClass`: the class of all its rows, or the field of the row that says it. */
export const taskDataClass = z.union([
  z.string().min(1),
  z.strictObject({ field: z.string().min(1), default: z.string().min(1).optional() }),
]);

export type DataClassRules = z.output<typeof dataClassOptions>;
