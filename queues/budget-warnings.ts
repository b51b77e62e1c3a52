// What should worry somebody about the budgets: those that are used up, and those that will be soon.

import { standingOf } from "../src/cost/account-standing.ts";
import type { AccountState } from "../src/cost/purse.ts";
import { formatUsd } from "../src/report/format.ts";

const NEARLY = 0.9;

export function budgetWarnings(accounts: readonly AccountState[]): readonly string[] {
  return accounts.flatMap((account) => {
    const { budget, limitNanoUsd, spentNanoUsd, reservedNanoUsd } = account;
    const used = spentNanoUsd + reservedNanoUsd;
    const standing = standingOf(account);
    if (standing.kind === "open" && used < NEARLY * limitNanoUsd) return [];
    const state = `Budget ${titleOf(account)}: ${formatUsd(used)} of ${formatUsd(limitNanoUsd)} ${budget.per === "all" ? "" : `for this ${budget.per} `}`;
    const neededNanoUsd = standing.kind === "no-room" ? standing.neededNanoUsd : 0;
    if (neededNanoUsd > limitNanoUsd && budget.action === "stop") {
      const raise = `modelfleet budgets raise ${budget.name} --to DOLLARS`;
      return [
        `${state}are spent or reserved, and a call is expected to cost ${formatUsd(neededNanoUsd)}, more than all of it: its job waits until ${raise}, or its batch is cancelled.`,
      ];
    }
    if (standing.kind === "open") return [`${state}are spent or reserved.`];
    if (standing.kind === "no-room")
      return [`${state}are spent or reserved, no room for a call of ${formatUsd(neededNanoUsd)}${whatNow(account)}`];
    return [`${state}are spent or reserved${whatNow(account)}`];
  });
}

export function titleOf({ budget, value }: AccountState): string {
  return value === "" || value === budget.of ? budget.name : `${budget.name} (${value})`;
}

function whatNow({ budget, endsAt }: AccountState): string {
  const until = endsAt === undefined ? "" : ` until ${new Date(endsAt).toISOString().slice(0, 16)}Z`;
  switch (budget.action) {
    case "stop":
      return `: its jobs wait${until}. To go on before: modelfleet budgets raise ${budget.name} --to DOLLARS.`;
    case "degrade":
      return `: only cheaper models are called${until}.`;
    case "alert":
      return ".";
    default:
      return budget.action satisfies never;
  }
}
