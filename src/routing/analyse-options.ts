// The options of how a task's jobs are analysed.

import { z } from "zod";
import type { Analyse, ComplexityFunction } from "../job/analysis.ts";
import type { ModelId } from "../job/names.ts";

const complexityFunction = z.custom<ComplexityFunction>(
  (value) => typeof value === "function",
  "must be a function, which only a fleet.config.ts can hold",
);

/** `{ model }`: a cheap model is asked how hard each job is. `{ complexity }`: a function of fleet.config.ts, from the row to a number between 0 and 1. */
export const analyseOptions = z
  .strictObject({ model: z.string().min(1).optional(), complexity: complexityFunction.optional() })
  .transform(({ model, complexity }, context): Analyse => {
    if (model !== undefined && complexity === undefined) return { kind: "model", model: model as ModelId };
    if (complexity && model === undefined) return { kind: "function", complexity };
    context.addIssue({ code: "custom", message: "needs either model or complexity" });
    return z.NEVER;
  });
