// The options of a task's route.

import { z } from "zod";
import { duration } from "../job/quantity.ts";

/**
 * One step: a model's id; `{ model, weight }`; or `{ agree: [ids], on, need, weight }`: several models asked side by side, of which `need` (all, unless given)
 * must give the same answer, compared as a whole or `on` one or several fields of the JSON answer. `weight` counts for the strategy `weighted`.
 */
export type RouteEntryInput =
  | string
  | { readonly model: string; readonly weight?: number }
  | { readonly agree: readonly string[]; readonly on?: string | readonly string[]; readonly need?: number; readonly weight?: number };

const WORDS = ["ordered", "cheapest", "fastest", "best", "soonest", "balanced", "weighted"] as const;

/**
 * By what the steps are put in order for each job:
 * - `ordered`: as listed · `cheapest`: by the expected cost of the job · `fastest`: by median latency · `best`: by quality · `soonest`: by expected wait and latency
 * - `balanced`: by quality, cost and speed in equal parts, or `{ balanced: { quality: 2, cost: 1, speed: 0 } }`
 * - `weighted`: rows are split by the steps' weights
 * - `{ simple: [steps], medium: [steps], complex: [steps], limits: { simple: 0.3, medium: 0.6 } }`: by the job's complexity. `medium` and `limits` may be left
 *   out; a limit is the highest complexity of its band. `models` is left out, for the bands say who.
 */
export type StrategyInput =
  | (typeof WORDS)[number]
  | { readonly balanced: { readonly quality?: number; readonly cost?: number; readonly speed?: number } }
  | {
      readonly simple: readonly RouteEntryInput[];
      readonly medium?: readonly RouteEntryInput[];
      readonly complex: readonly RouteEntryInput[];
      readonly limits?: { readonly simple?: number; readonly medium?: number };
    };

/**
 * A list of steps is a cascade: the first is asked, and the next when no answer came of it, it failed its checks, or its models disagreed:
 * `route: [ { agree: [a, b], on: answer }, c ]`. It is short for `{ strategy: ordered, models: [...] }`; the long form takes more.
 */
export type RouteInput =
  | readonly RouteEntryInput[]
  | {
      /** `ordered` unless given. */
      readonly strategy?: StrategyInput;
      readonly models?: readonly RouteEntryInput[];
      /** Where jobs go when no first choice is left or available, in this order whatever the strategy. */
      readonly fallback?: readonly RouteEntryInput[];
      /** A duration: a first choice that would keep a job waiting for longer is jumped over while another is free. Without, it is waited for. */
      readonly spill?: string;
      /** By model, the share of good answers known beforehand (a pilot's figure, 0 to 1). */
      readonly quality?: Readonly<Record<string, number>>;
    };

const modelName = z.string().min(1);
const weight = z.number().positive().max(1_000_000).optional();

/** One schema for all forms: its problems have the place of the slip, which a union's have not. */
const routeEntry = z.preprocess(
  (value) => (typeof value === "string" ? { model: value } : value),
  z
    .strictObject(
      {
        model: modelName.optional(),
        agree: z.array(modelName).min(2).optional(),
        on: z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(z.string().min(1)).min(1)).optional(),
        need: z.int().min(2).optional(),
        weight,
      },
      { error: ({ code, input }) => (code === "invalid_type" ? `must be a model's id or a mapping, not a ${typeof input}` : undefined) },
    )
    .superRefine(({ model, agree, on, need }, context) => {
      const slip = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
      if (model === undefined && agree === undefined) slip([], "is neither a model's id nor `agree` with a list of them");
      if (model !== undefined && agree !== undefined) slip(["agree"], "beside `model`: give one of them");
      if (agree && new Set(agree).size < agree.length) slip(["agree"], "names a model twice: it would agree with itself");
      if (agree && need !== undefined && need > agree.length) slip(["need"], `is above the ${agree.length} models that are asked`);
      if (!agree && on !== undefined) slip(["on"], "counts only beside `agree`");
      if (!agree && need !== undefined) slip(["need"], "counts only beside `agree`");
    }),
);

const SEE_STRATEGIES = `must be one of: ${WORDS.join(", ")}; or { balanced: weights }; or { simple: models, complex: models }`;
const steps = z.array(routeEntry).min(1);
const share = z.number().min(0).max(1);

/** A word is short for the mapping `{ kind: word }`. */
const strategy = z.preprocess(
  (value, context) => {
    if (typeof value !== "string") return value;
    if (!(WORDS as readonly string[]).includes(value)) context.addIssue({ code: "custom", message: SEE_STRATEGIES });
    return { kind: value };
  },
  z
    .strictObject({
      kind: z.enum(WORDS).optional(),
      balanced: z
        .strictObject({ quality: z.number().min(0).default(0), cost: z.number().min(0).default(0), speed: z.number().min(0).default(0) })
        .refine(({ quality, cost, speed }) => quality + cost + speed > 0, "needs a weight above 0")
        .optional(),
      simple: steps.optional(),
      medium: steps.optional(),
      complex: steps.optional(),
      limits: z.strictObject({ simple: share.optional(), medium: share.optional() }).optional(),
    })
    .superRefine(({ kind, balanced, simple, medium, complex, limits }, context) => {
      const slip = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
      const isByBands = Boolean(simple ?? medium ?? complex ?? limits);
      if (kind === undefined && balanced === undefined && !isByBands) slip([], SEE_STRATEGIES);
      if (kind !== undefined && isByBands) slip(["kind"], "beside models by complexity: give one of them");
      if (balanced && isByBands) slip(["balanced"], "beside models by complexity: give one of them");
      if (isByBands && !simple) slip(["simple"], "is missing: who does the simple jobs?");
      if (isByBands && !complex) slip(["complex"], "is missing: who does the complex jobs?");
      if (!medium && limits?.medium !== undefined) slip(["limits", "medium"], "is a limit of a band that isn't there: give `medium`");
      const { simple: low, medium: high } = limitsOf({ medium, limits });
      if (isByBands && medium && low >= high)
        slip(["limits"], `the limit of \`simple\` (${low}) must be below that of \`medium\` (${high})`);
    }),
);

export const DEFAULT_LIMITS = { simple: 0.3, medium: 0.6, simpleWithoutMedium: 0.45 } as const;

/** Up to which complexity a job counts as simple, and as medium. */
export function limitsOf({
  medium,
  limits,
}: {
  readonly medium?: unknown;
  readonly limits?: { readonly simple?: number | undefined; readonly medium?: number | undefined } | undefined;
}): { readonly simple: number; readonly medium: number } {
  return {
    simple: limits?.simple ?? (medium === undefined ? DEFAULT_LIMITS.simpleWithoutMedium : DEFAULT_LIMITS.simple),
    medium: limits?.medium ?? DEFAULT_LIMITS.medium,
  };
}

/** The long form. */
const mapping = z
  .strictObject({
    strategy: strategy.default({ kind: "ordered" }),
    models: steps.optional(),
    fallback: z.array(routeEntry).default([]),
    spill: duration.optional(),
    quality: z.record(z.string(), share).default({}),
  })
  .superRefine((options, context) => {
    const slip = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
    const { strategy: by, models = [], fallback } = options;
    if (by.simple && options.models) slip(["models"], "beside models by complexity: the strategy's bands say who");
    if (!by.simple && !options.models) slip(["models"], "is missing: which models does the route lead to?");
    const { simple = [], medium = [], complex = [] } = by;
    const lists = { models, fallback, "strategy.simple": simple, "strategy.medium": medium, "strategy.complex": complex };
    for (const [list, entries] of Object.entries(lists)) {
      if (list === "models" && by.kind === "weighted") continue;
      for (const i of weighted(entries)) slip([...list.split("."), i, "weight"], NO_WEIGHT);
    }
    const named = new Set(Object.values(lists).flatMap((entries) => entries.flatMap(({ model, agree }) => agree ?? model ?? [])));
    for (const id of Object.keys(options.quality)) {
      if (!named.has(id)) slip(["quality", id], "is not a model of this route");
    }
  });

/** The short form. */
const cascade = steps
  .superRefine((entries, context) => {
    for (const i of weighted(entries)) context.addIssue({ code: "custom", path: [i, "weight"], message: NO_WEIGHT });
  })
  .transform((models): z.output<typeof mapping> => ({ strategy: { kind: "ordered" }, models, fallback: [], quality: {} }));

const NO_WEIGHT = "counts only for `models` with `strategy: weighted`";

/** The places of the entries that have a weight. */
function weighted(entries: readonly RouteEntry[]): readonly number[] {
  return entries.flatMap(({ weight: own }, i) => (own === undefined ? [] : [i]));
}

export type RouteEntry = z.output<typeof routeEntry>;
export type RouteOptions = z.output<typeof mapping>;

/** Written as {@link RouteInput} has it. Whether the models exist is not asked here. */
export const routeOptions = z.union([mapping, cascade]) as unknown as z.ZodType<RouteOptions, RouteInput>;
