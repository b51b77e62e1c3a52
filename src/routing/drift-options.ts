// The options of a task's drift watch: what the pilot saw, as it writes it into the configuration.

import { z } from "zod";

const seen = z.strictObject({
  /** A share, 0 to 1. */
  rate: z.number().min(0).max(1),
  of: z.int().positive(),
});

export const driftOptions = z
  .strictObject({
    /** Share of the answers that passed their checks, by model. */
    passRates: z.record(z.string(), seen).default({}),
    /** Share of agreement, by the models of a step joined by `+`. */
    agreements: z.record(z.string(), seen).default({}),
    /** A model that has fallen is put behind all others. */
    demote: z.boolean().default(false),
  })
  .transform(({ demote, ...rest }) => ({ ...rest, isDemoting: demote }));
