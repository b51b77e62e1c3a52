// The options of a task's route.

import { z } from "zod";

const modelName = z.string().min(1);

/** Several models asked side by side: their answers must agree, on the field `on` of the JSON answer or as a whole. */
const agreement = z.strictObject({
  agree: z.array(modelName).min(2),
  on: z.string().min(1).optional(),
});

/** A model's id, or models that must agree. */
export const routeEntry = z.union([modelName, agreement]);

export const routeOptions = z.strictObject({
  /** `ordered`: as listed. `cheapest`: by the price of a typical call. Fallbacks always come after, in order. */
  strategy: z.enum(["ordered", "cheapest"]).default("ordered"),
  models: z.array(routeEntry).min(1),
  fallback: z.array(routeEntry).default([]),
});

export type RouteEntry = z.output<typeof routeEntry>;
export type RouteOptions = z.output<typeof routeOptions>;
