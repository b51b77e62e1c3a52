// The configuration's schema, put together from each part's own options. Every mapping is strict: an unknown key is a slip.

import { z } from "zod";
import { budgetOptions } from "../cost/budget-options.ts";
import { priceOptions } from "../cost/price-options.ts";
import type { JsonSchema } from "../job/json.ts";
import { chargingOptions, limitOptions, sharedLimitOptions } from "../limits/limit-options.ts";
import { promptOptions } from "../prompt/prompt-options.ts";
import { providerOptions } from "../providers/provider-options.ts";
import { checkOptions } from "../quality/check-options.ts";
import { compileSchema } from "../job/json-schema.ts";
import { judgeOptions } from "../quality/judge-options.ts";
import { storeOptions } from "../results/store-options.ts";
import { analyseOptions } from "../routing/analyse-options.ts";
import { dataClassOptions, dataHandlingOptions, taskDataClass } from "../routing/data-options.ts";
import { driftOptions } from "../routing/drift-options.ts";
import { routeOptions } from "../routing/route-options.ts";
import { byteSize, duration } from "../job/quantity.ts";
import { isMapping } from "./interpolate.ts";

/** A mapping whose every key has a default may be left empty, which YAML reads as null. */
const orEmpty = <S extends z.ZodType>(schema: S) => z.preprocess((value) => value ?? {}, schema) as unknown as z.ZodDefault<S>;

const jsonSchema = z.unknown().transform((value, context): JsonSchema => {
  try {
    if (typeof value !== "boolean" && !isMapping(value)) throw new Error("it is neither a mapping nor true or false");
    compileSchema(value as JsonSchema);
  } catch (error) {
    context.addIssue({ code: "custom", message: `is not a JSON Schema: ${(error as Error).message}` });
  }
  return value as JsonSchema;
});

const capabilityOptions = z.strictObject({
  jsonSchema: z.boolean().default(true),
  images: z.boolean().default(true),
  tools: z.boolean().default(true),
});

const modelOptions = orEmpty(
  z
    .strictObject({
      tier: z.enum(["fast", "standard", "premium"]).default("standard"),
      price: priceOptions.optional(),
      limits: limitOptions.default({}),
      contextWindow: z.int().positive().default(128_000),
      maxOutputTokens: z.int().positive().default(4_096),
      capabilities: capabilityOptions.default({ jsonSchema: true, images: true, tools: true }),
    })
    .refine((model) => model.maxOutputTokens <= model.contextWindow, {
      path: ["maxOutputTokens"],
      error: "is above contextWindow, which holds input and output together",
    }),
);

const providerSection = z.strictObject({
  ...providerOptions.shape,
  /** Whether it may be absent depends on the kind; the checks between options see to that. */
  apiKey: z.string().trim().optional(),
  limits: limitOptions.default({}),
  sharedLimits: sharedLimitOptions.optional(),
  charging: chargingOptions.optional(),
  data: dataHandlingOptions.optional(),
  models: z.record(z.string(), modelOptions),
});

const taskOptions = z.strictObject({
  prompt: promptOptions.optional(),
  input: jsonSchema.optional(),
  output: jsonSchema.optional(),
  route: routeOptions,
  checks: z.array(checkOptions).optional(),
  judge: judgeOptions.optional(),
  analyse: analyseOptions.optional(),
  drift: driftOptions.optional(),
  dataClass: taskDataClass.optional(),
  attempts: z.int().min(1).max(100).default(4),
  timeout: duration.default(60_000),
  patience: duration.default(24 * 3_600_000),
  onRefusal: z.enum(["fail", "reroute"]).default("fail"),
  maxOutputTokens: z.int().positive().optional(),
  temperature: z.number().min(0).max(2).optional(),
});

const queueOptions = z.strictObject({
  windowRows: z.int().positive().default(5_000),
  windowBytes: byteSize.default(64 * 2 ** 20),
  lock: duration.default(30_000),
  stalledCheck: duration.default(5_000),
  reconcile: duration.default(60_000),
});

/** A port may come from an environment variable, as text. */
const port = z.preprocess(
  (value) => (typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value),
  z.int().min(0).max(65_535),
);

const webOptions = z.strictObject({ port: port.default(3_000), host: z.string().min(1).default("127.0.0.1") });

export const fleetSchema = z.strictObject({
  providers: z.record(z.string(), providerSection),
  tasks: orEmpty(z.record(z.string(), taskOptions)),
  dataClasses: orEmpty(z.record(z.string(), orEmpty(dataClassOptions))),
  budgets: z.preprocess((value) => value ?? [], budgetOptions) as unknown as z.ZodDefault<typeof budgetOptions>,
  redis: orEmpty(z.strictObject({ url: z.string().min(1).optional() })),
  store: orEmpty(storeOptions),
  web: orEmpty(webOptions),
  queues: orEmpty(queueOptions),
});

/** What `fleet.config.ts` exports as default. */
export type FleetOptions = z.input<typeof fleetSchema>;
/** The same, checked and with its defaults. */
export type ParsedFleet = z.output<typeof fleetSchema>;
