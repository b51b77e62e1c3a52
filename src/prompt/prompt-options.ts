// The options of a task's prompt.

import { z } from "zod";

/** Liquid templates over `input` (the row) and `id` (its label). */
export const promptOptions = z.strictObject({
  system: z.string().optional(),
  user: z.string().trim().min(1),
});

export type PromptOptions = z.output<typeof promptOptions>;
