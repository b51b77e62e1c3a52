// The options of a task's checks.

import { z } from "zod";

/** `schema`: the answer is JSON and fits the task's output schema. */
export const checkOptions = z.strictObject({ kind: z.literal("schema") });
