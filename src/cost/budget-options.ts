// The options of budgets.

import { z } from "zod";
import { soundText } from "../job/sound-text.ts";
import type { BudgetSpec } from "./budget.ts";
import { nanoUsdFromDollars } from "./money.ts";
import { priceFromDollars } from "./price.ts";

const LIMIT_HINT = 'is not an amount: write dollars, such as 50 or "0.25"';
/** A million dollars: above it, sums of nano-dollars would no longer be exact. */
const HIGHEST_NANO_USD = 1e15;

const dollars = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    const nanoUsd = nanoUsdFromDollars(value);
    if (nanoUsd <= HIGHEST_NANO_USD) return nanoUsd;
  } catch {
    // told below
  }
  context.addIssue({ code: "custom", message: LIMIT_HINT });
  return z.NEVER;
});

const dollarsPerMillion = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return priceFromDollars(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

const budget = z
  .strictObject({
    /** For status, and to raise it by. */
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "a name has 1 to 64 of a-z, 0-9, _ and -")
      .optional(),
    scope: z.enum(["fleet", "provider", "model", "task", "tag", "tenant", "batch"]),
    /** The one value that it is for (`of: team=search` for tags); absent: each has a budget of its own (for tags: `of: team`). */
    of: z.string().min(1).optional(),
    per: z.enum(["hour", "day", "month", "all"]),
    /** Dollars. */
    limit: dollars,
    action: z.enum(["stop", "degrade", "alert"]).default("stop"),
    /** For `degrade`: dollars per million tokens that a model may cost. */
    below: z.strictObject({ input: dollarsPerMillion, output: dollarsPerMillion }).optional(),
  })
  .superRefine(({ scope, of, action, below }, context) => {
    const slip = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (scope === "fleet" && of !== undefined) slip("of", "counts not for the whole fleet: leave it out");
    if (scope === "tag" && of === undefined)
      slip("of", "is missing: which tag? `of: team` for each of its values, `of: team=search` for one");
    if (action === "degrade" && !below) slip("below", "is missing: up to which prices do models go on?");
    if (action !== "degrade" && below) slip("below", "counts only with `action: degrade`");
  });

/** A fleet's `budgets`. Names that are left out are made of scope, value and period. */
export const budgetOptions = z.array(budget).superRefine((budgets, context) => {
  const names = budgets.map(nameOf);
  names.forEach((name, i) => {
    if (names.indexOf(name) < i)
      context.addIssue({ code: "custom", path: [i, "name"], message: `two budgets are called ${JSON.stringify(name)}: give one a name` });
  });
});

type BudgetOptions = z.output<typeof budget>;

export function buildBudgets(options: readonly BudgetOptions[]): readonly BudgetSpec[] {
  return options.map((each): BudgetSpec => {
    const { scope, of, per, limit, action, below } = each;
    const [tag, value] = scope === "tag" ? splitTag(of ?? "") : [undefined, of];
    return {
      name: nameOf(each),
      scope,
      ...(tag === undefined ? {} : { tag }),
      ...(value === undefined ? {} : { of: soundText(value) }),
      per,
      limitNanoUsd: limit,
      action,
      ...(below ? { below } : {}),
    };
  });
}

function nameOf({ name, scope, of, per }: BudgetOptions): string {
  if (name !== undefined) return name;
  const value = of === undefined ? "" : `-${of.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  return `${scope}${value}-${per}`;
}

function splitTag(of: string): readonly [string, string | undefined] {
  const equals = of.indexOf("=");
  return equals < 0 ? [of, undefined] : [of.slice(0, equals), of.slice(equals + 1)];
}
