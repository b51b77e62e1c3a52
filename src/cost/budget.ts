// Budgets: how much may be spent, by whom, on what, in what time. A call counts towards every budget that it falls under, in an account for each: one per value of
// the budget's scope and per period.
//
//   expected cost ──reserve──▶ reserved ──settle──▶ spent (the actual cost)
//                                  ├─release──▶ nothing (no call was made)
//                                  └─its lifetime is over──▶ spent at what was reserved, until it is settled after all
//
// A reservation is refused where an account's spent and reserved money and this would pass the limit: so a hundred calls at once can't pass it either.

import type { Price, TokenPrices } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import { soundText, textOf } from "../job/sound-text.ts";

export type BudgetPeriod = "hour" | "day" | "month" | "all";

export interface BudgetSpec {
  readonly name: string;
  readonly scope: "fleet" | "provider" | "model" | "task" | "tag" | "tenant" | "batch";
  /** For `tag`: which one. */
  readonly tag?: string;
  /** The one value of the scope that it is for; absent: every value has an account of its own. */
  readonly of?: string;
  /** Periods begin with UTC's hours, days and months. */
  readonly per: BudgetPeriod;
  readonly limitNanoUsd: number;
  /** `stop`: jobs wait until there is money again · `degrade`: only models below a price are called · `alert`: nothing but a warning. */
  readonly action: "stop" | "degrade" | "alert";
  /** For `degrade`: models whose prices are no higher go on. Pico-dollars per token. */
  readonly below?: Pick<Price, "input" | "output">;
}

/** What a call counts towards. */
export interface Spending {
  readonly model: ModelId;
  readonly provider: string;
  readonly task: string;
  readonly batch: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  /** As it holds for a call of its length. Absent: it costs nothing as far as is known. */
  readonly price?: TokenPrices;
  /** Its batch has a budget of its own: {@link BATCH_CAP}. */
  readonly isCapped?: true;
}

/**
 * The budget that a batch may have for itself alone. Its limit lies in Redis, under its account (redis-batch-cap.ts); one that was taken away limits nothing.
 * No configured budget's name begins like this.
 */
export const BATCH_CAP: BudgetSpec = {
  name: "--max-cost",
  scope: "batch",
  per: "all",
  limitNanoUsd: Number.MAX_SAFE_INTEGER,
  action: "stop",
};

export interface Account {
  readonly budget: BudgetSpec;
  /** `name|value`, of sound text: one call's account must not be what Redis can't read for all that are asked for with it. Its period is added by the time of Redis. */
  readonly id: string;
  /** A reservation that passes the limit is refused. */
  readonly isBinding: boolean;
}

/** The accounts that a call of this spending counts towards, in the order of the budgets. */
export function accountsOf(budgets: readonly BudgetSpec[], spending: Spending): readonly Account[] {
  const all = spending.isCapped ? [...budgets, BATCH_CAP] : budgets;
  return all.flatMap((budget): readonly Account[] => {
    const found = valueOf(budget, spending);
    if (found === undefined || found === null) return [];
    const value = soundText(textOf(found));
    if (budget.of !== undefined && budget.of !== value) return [];
    return [{ budget, id: `${budget.name}|${value}`, isBinding: isBinding(budget, spending.price) }];
  });
}

/** As its row has it: rows that were queued unlooked at may have anything. */
function valueOf({ scope, tag }: BudgetSpec, spending: Spending): unknown {
  switch (scope) {
    case "fleet":
      return "";
    case "tag":
      return tag !== undefined && spending.tags && Object.hasOwn(spending.tags, tag) ? spending.tags[tag] : undefined;
    default:
      return spending[scope];
  }
}

function isBinding({ action, below }: BudgetSpec, price: TokenPrices | undefined): boolean {
  switch (action) {
    case "stop":
      return true;
    case "degrade":
      return price !== undefined && (price.input > (below?.input ?? 0) || price.output > (below?.output ?? 0));
    case "alert":
      return false;
    default:
      return action satisfies never;
  }
}

/** Whole hours or days since 1970, or months since the year 0; `all` has one. The same arithmetic runs inside Redis (budget-lua.ts). */
export function periodOf(per: BudgetPeriod, now: number): number {
  switch (per) {
    case "hour":
      return Math.floor(now / 3_600_000);
    case "day":
      return Math.floor(now / 86_400_000);
    case "month": {
      const date = new Date(now);
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    }
    case "all":
      return 0;
    default:
      return per satisfies never;
  }
}

/** Unix ms at which the period is over; undefined for `all`. */
export function periodEnd(per: BudgetPeriod, now: number): number | undefined {
  const period = periodOf(per, now) + 1;
  switch (per) {
    case "hour":
      return period * 3_600_000;
    case "day":
      return period * 86_400_000;
    case "month":
      return Date.UTC(Math.floor(period / 12), period % 12);
    case "all":
      return undefined;
    default:
      return per satisfies never;
  }
}
