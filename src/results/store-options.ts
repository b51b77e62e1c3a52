// The options of the store, as the configuration has them.

import { z } from "zod";

/** `dir`: the folder that holds the results of all batches; relative to the configuration file. */
export const storeOptionsSchema = z.strictObject({ dir: z.string().min(1) });

export type StoreOptions = z.infer<typeof storeOptionsSchema>;
