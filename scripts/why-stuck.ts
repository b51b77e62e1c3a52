// Why a batch's rows may not be moving: what of their route takes no calls now, and which budgets refuse them, as far as Redis tells.

import type { Fleet } from "../src/config/fleet.ts";
import { standingOf } from "../src/cost/account-standing.ts";
import { accountKey } from "../src/cost/budget-gate.ts";
import { accountsOf, type Spending } from "../src/cost/budget.ts";
import type { AccountState } from "../src/cost/purse.ts";
import type { JobTerms } from "../src/job/job.ts";
import type { ModelSpec } from "../src/job/model.ts";
import { taskModels } from "../src/job/task.ts";
import { formatDuration, formatUsd } from "../src/report/format.ts";
import { titleOf } from "../queues/budget-warnings.ts";
import { readFleetStatus, type ModelStatus } from "../queues/fleet-status.ts";
import { heldMs } from "../queues/model-status.ts";
import type { OpenFleet } from "./open-fleet.ts";

/** Something that keeps rows waiting. */
export interface Holdup {
  /** Short: it stands in the line of progress. */
  readonly reason: string;
  /** What to do about it, a command or a few words; absent: it passes by itself. */
  readonly remedy?: string;
}

/** The rows that wait. */
export interface StuckRows {
  readonly batch: string;
  readonly task: string;
  /** What holds for all of them; absent: that isn't known here. */
  readonly terms?: JobTerms;
}

/** Empty when all seems well. */
export async function whyStuck(
  { redis, fleet, queues, states, clock }: Pick<OpenFleet, "redis" | "fleet" | "queues" | "states" | "clock">,
  rows: StuckRows,
): Promise<readonly Holdup[]> {
  const seen = await readFleetStatus({ redis, states, queues, clock, fleet });
  if (seen.processes.length === 0) return [{ reason: "no fleet is running", remedy: "modelfleet up" }];
  const route = routeOf(fleet, rows);
  const models = new Set(route.map(({ id }) => id));
  const held = seen.models.filter(({ model }) => models.has(model)).flatMap((model) => reasonOf(model, seen.at) ?? []);
  const binding = bindingAccounts(fleet, route, rows);
  const refusing = seen.budgets.filter(
    (account) => account.refusedNanoUsd !== undefined && standingOf(account).kind !== "open" && mayBind(account, binding, rows),
  );
  return [...held.map((reason) => ({ reason })), ...refusing.map(budgetHoldup)];
}

function routeOf(fleet: Fleet, { task, terms = {} }: StuckRows): readonly ModelSpec[] {
  const spec = fleet.tasks.get(task);
  const { allow, deny = [] } = terms;
  const ids = (spec ? taskModels(spec) : []).filter((model) => (allow?.includes(model) ?? true) && !deny.includes(model));
  return ids.flatMap((model) => fleet.models.get(model) ?? []);
}

/** The accounts that calls of the rows count towards, and that stop them. */
function bindingAccounts(fleet: Fleet, route: readonly ModelSpec[], { batch, task, terms = {} }: StuckRows): ReadonlySet<string> {
  const { tags, tenant } = terms;
  const spendings = route.map(({ id, provider, price }): Spending => ({
    model: id,
    provider,
    task,
    batch,
    ...(tags ? { tags } : {}),
    ...(tenant === undefined ? {} : { tenant }),
    ...(price ? { price } : {}),
  }));
  const accounts = spendings.flatMap((spending) => accountsOf(fleet.budgets, spending));
  return new Set(accounts.filter(({ isBinding }) => isBinding).map(({ id }) => id));
}

/** Of rows whose tags and tenants aren't known, any may be the one. */
function mayBind(account: AccountState, binding: ReadonlySet<string>, { terms }: StuckRows): boolean {
  const { scope, action } = account.budget;
  if (terms === undefined && (scope === "tag" || scope === "tenant")) return action !== "alert";
  return binding.has(accountKey(account));
}

function budgetHoldup(account: AccountState): Holdup {
  const { budget, value, limitNanoUsd, spentNanoUsd, reservedNanoUsd, refusedNanoUsd = 0 } = account;
  const reserved = reservedNanoUsd > 0 ? ` and ${formatUsd(reservedNanoUsd)} reserved` : "";
  const call = refusedNanoUsd > 0 ? `, a call is expected to cost ${formatUsd(refusedNanoUsd)}` : "";
  const of = value === "" || value === budget.of ? "" : ` --of ${value}`;
  return {
    reason: `held by budget ${titleOf(account)}: ${formatUsd(spentNanoUsd)} of ${formatUsd(limitNanoUsd)} spent${reserved}${call}`,
    remedy: `modelfleet budgets raise ${budget.name}${of} --to DOLLARS`,
  };
}

function reasonOf(status: ModelStatus, now: number): string | undefined {
  const { model, breaker } = status;
  switch (breaker.kind) {
    case "open":
      return `${model}: breaker open for ${formatDuration(Math.max(0, breaker.openUntil - now))} more: ${withoutName(breaker.reason, model)}`;
    case "half-open":
      return `${model}: breaker half-open: ${withoutName(breaker.reason, model)}`;
    case "closed": {
      const ms = heldMs(status, now);
      return ms > 0 ? `${model}: held by its vendor for ${formatDuration(ms)}` : undefined;
    }
    default:
      return breaker satisfies never;
  }
}

function withoutName(reason: string, model: string): string {
  return reason.replace(`${model}: `, "");
}
