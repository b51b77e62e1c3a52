// What the day has cost so far, by task and model, by tag and by tenant: for pages and terminals, so that no part of it is long.

import type { Redis } from "ioredis";
import { addTotals, NO_TOTALS, type CallTotals } from "../src/cost/call-totals.ts";
import { readDayTotals, type CombinationTotals } from "../src/cost/redis-live-totals.ts";
import { dayOf } from "../src/job/day.ts";

export interface SpendToday extends CallTotals {
  /** Of UTC, `2026-11-23`. */
  readonly day: string;
  /** Here and below the dearest first. */
  readonly byTaskAndModel: readonly TaskAndModelTotals[];
  /** A call counts under each of its tags. At most 50. */
  readonly byTag: readonly TagTotals[];
  readonly tagsLeftOut: number;
  /** At most 50. */
  readonly byTenant: readonly TenantTotals[];
  readonly tenantsLeftOut: number;
}

export interface TaskAndModelTotals extends CallTotals {
  readonly task: string;
  readonly model: string;
}

export interface TagTotals extends CallTotals {
  /** Absent, and `value` too: calls whose tags are not told apart, for there were too many. */
  readonly tag?: string;
  readonly value?: string;
}

export interface TenantTotals extends CallTotals {
  /** Absent: calls without one. */
  readonly tenant?: string;
  /** Calls whose tenants are not told apart, for there were too many. */
  readonly isMixed?: true;
}

const MOST_SHOWN = 50;

/** `now`: unix ms. */
export async function readSpendToday(redis: Redis, now: number): Promise<SpendToday> {
  const day = dayOf(now);
  const [today] = await readDayTotals(redis, [day]);
  return { day, ...spendOf(today?.combinations ?? []) };
}

export function spendOf(combinations: readonly CombinationTotals[]): Omit<SpendToday, "day"> {
  const byTag = sumBy(combinations, ({ tags, mixed }): Omit<TagTotals, keyof CallTotals>[] =>
    mixed ? [{}] : Object.entries(tags).map(([tag, value]) => ({ tag, value })),
  );
  const byTenant = sumBy(combinations, ({ tenant, mixed }): Omit<TenantTotals, keyof CallTotals>[] => [
    mixed === "tenants" ? { isMixed: true } : tenant === undefined ? {} : { tenant },
  ]);
  return {
    ...combinations.reduce<CallTotals>((sum, each) => addTotals(sum, each), NO_TOTALS),
    byTaskAndModel: sumBy(combinations, ({ task, model }) => [{ task, model }]),
    byTag: byTag.slice(0, MOST_SHOWN),
    tagsLeftOut: Math.max(0, byTag.length - MOST_SHOWN),
    byTenant: byTenant.slice(0, MOST_SHOWN),
    tenantsLeftOut: Math.max(0, byTenant.length - MOST_SHOWN),
  };
}

function sumBy<Group extends object>(
  combinations: readonly CombinationTotals[],
  groupsOf: (combination: CombinationTotals) => readonly Group[],
): readonly (Group & CallTotals)[] {
  const sums = new Map<string, Group & CallTotals>();
  for (const each of combinations) {
    for (const group of groupsOf(each)) {
      const name = JSON.stringify(group);
      sums.set(name, { ...group, ...addTotals(sums.get(name) ?? NO_TOTALS, each) });
    }
  }
  return [...sums.values()].filter(({ calls }) => calls > 0).toSorted((a, b) => b.costNanoUsd - a.costNanoUsd || b.calls - a.calls);
}
