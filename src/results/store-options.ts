// The options of the store, as the configuration has them.

import { z } from "zod";
import { problemOfPostgresUrl } from "./store-address.ts";

/** `dir`: files, in the folder that holds the results of all batches; relative to the configuration file. `url`: a PostgreSQL. */
export const storeOptions = z
  .strictObject({
    dir: z.string().min(1).optional(),
    url: z
      .string()
      .superRefine((url, context) => {
        const problem = problemOfPostgresUrl(url);
        if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
      })
      .optional(),
  })
  .refine(({ dir, url }) => dir === undefined || url === undefined, {
    path: ["url"],
    error: "is one store and dir another: leave one of them out",
  });
