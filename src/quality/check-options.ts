// The options of a task's checks, each read into the CheckSpec that it means.

import { z } from "zod";
import type { CheckFunction, CheckSpec } from "../job/check-spec.ts";
import type { JsonValue } from "../job/json.ts";
import { parseExpression } from "./arithmetic-expression.ts";
import { languageCode } from "./language-codes.ts";

/** Equality of totals allows for the noise of binary fractions, and no more. */
const DEFAULT_TOLERANCE = 0.000_001;

const onFail = z.enum(["repair", "escalate", "fail"]).default("escalate");
const field = z
  .string()
  .regex(/^[^.\s][^.]*(?:\.[^.]+)*$/, "isn't a field: names with dots between them, such as customer.name")
  .optional();
/** One text or several. */
const texts = z.union([
  z
    .string()
    .min(1)
    .transform((text) => [text]),
  z.array(z.string().min(1)).min(1),
]);
const bound = z.int().min(0).optional();

const expression = z.string().superRefine((source, context) => {
  complain(context, `the expression ${JSON.stringify(source)} is wrong`, () => parseExpression(source));
});
const language = z.string().refine((code) => languageCode(code) !== undefined, {
  error: ({ input }) => `${JSON.stringify(input)} isn't a language that can be told: it takes ISO 639-1 codes such as en, de or zh`,
});
const languages = z.union([language.transform((code) => [code]), z.array(language).min(1)]);
const checkFunction = z.custom<CheckFunction>(
  (value) => typeof value === "function",
  "must be a function, which only a fleet.config.ts can hold",
);

const length = z
  .strictObject({
    kind: z.literal("length"),
    field,
    unit: z.enum(["characters", "words", "items"]).default("characters"),
    min: bound,
    max: bound,
    onFail,
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, "needs min or max")
  .refine(({ min = 0, max = Infinity }) => min <= max, { path: ["min"], error: "must not be above max" })
  .refine(({ unit, field }) => unit !== "items" || field !== undefined, {
    path: ["field"],
    error: "items are counted of a field: name it",
  });

const pattern = z
  .strictObject({
    kind: z.literal("pattern"),
    field,
    pattern: z.string().min(1),
    flags: z
      .string()
      .regex(/^[imsuv]*$/, "flags may be i, m, s, u and v")
      .optional(),
    onFail,
  })
  .superRefine(({ pattern, flags }, context) => {
    complain(context, `the pattern ${JSON.stringify(pattern)} is wrong`, () => new RegExp(pattern, flags), ["pattern"]);
  });

const custom = z
  .strictObject({ kind: z.literal("custom"), name: z.string().min(1).optional(), check: checkFunction, onFail })
  .transform(({ name, ...options }) => ({ ...options, name: name ?? (options.check.name || "custom check") }));

/**
 * `schema`: the answer is JSON and fits the task's output schema. `values`, `length`, `pattern`, `contains`, `not-contains` and `language` look at the answer's text,
 * or at a `field` of its JSON. `contains` and `not-contains` ignore case unless told otherwise.
 */
export const checkOptions = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("schema"), onFail }),
  z.strictObject({ kind: z.literal("values"), field, values: z.array(z.json()).min(1), onFail }).transform(({ values, ...options }) => ({
    ...options,
    values: values as readonly JsonValue[],
  })),
  length,
  pattern,
  z.strictObject({ kind: z.literal("contains"), field, all: texts, ignoreCase: z.boolean().default(true), onFail }),
  z.strictObject({ kind: z.literal("not-contains"), field, any: texts, ignoreCase: z.boolean().default(true), onFail }),
  z.strictObject({ kind: z.literal("language"), field, languages, onFail }),
  z.strictObject({ kind: z.literal("refusal"), onFail }),
  z.strictObject({ kind: z.literal("arithmetic"), expression, tolerance: z.number().min(0).default(DEFAULT_TOLERANCE), onFail }),
  custom,
]) satisfies z.ZodType<CheckSpec>;

/** What the attempt throws becomes the problem that is reported. */
function complain(context: z.RefinementCtx, what: string, attempt: () => unknown, path: string[] = []): void {
  try {
    attempt();
  } catch (error) {
    context.addIssue({ code: "custom", path, message: `${what}: ${error instanceof Error ? error.message : String(error)}` });
  }
}
