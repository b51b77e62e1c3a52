// The options of how a task's jobs are analysed.

import { z } from "zod";
import type { Analyse, ComplexityFunction } from "../job/analysis.ts";
import type { ModelId } from "../job/names.ts";

const complexityFunction = z.custom<ComplexityFunction>((value) => typeof value === "function", "must be a function");

/** `{ model }`: a cheap model is asked how hard each job is. `{ complexity }`: a function of fleet.config.ts, from the row to a number between 0 and 1. */
export const analyseOptions = z
  .union([z.strictObject({ model: z.string().min(1) }), z.strictObject({ complexity: complexityFunction })])
  .transform((options): Analyse =>
    "model" in options ? { kind: "model", model: options.model as ModelId } : { kind: "function", complexity: options.complexity },
  );
