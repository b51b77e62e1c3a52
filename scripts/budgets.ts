// modelfleet budgets: how they stand; and raising one while the fleet runs.

import type { Command } from "commander";
import { standingOf } from "../src/cost/account-standing.ts";
import { BATCH_CAP } from "../src/cost/budget.ts";
import { nanoUsdFromDollars } from "../src/cost/money.ts";
import type { AccountState } from "../src/cost/purse.ts";
import { readLiveBatchCaps } from "../src/cost/redis-batch-cap.ts";
import { readBudgetStates, setBudgetLimit } from "../src/cost/redis-budget-states.ts";
import { UsageError } from "../src/job/errors.ts";
import { formatUsd } from "../src/report/format.ts";
import { titleOf } from "../queues/budget-warnings.ts";
import { configOption } from "./batch-options.ts";
import { openFleet } from "./open-fleet.ts";
import { table } from "./table.ts";
import { say } from "./terminal.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly to?: string;
  readonly of?: string;
}

export function registerBudgets(program: Command): void {
  const budgets = configOption(program.command("budgets"))
    .description("how the budgets stand")
    .option("--json", "as JSON on standard output")
    .action(async (options: Options) => {
      await show(options);
    });
  configOption(budgets.command("raise <name>"))
    .description("set a budget's limit while the fleet runs: what it stopped goes on by itself")
    .requiredOption("--to <dollars>", "the new limit; `configured` for the one in the configuration")
    .option("--of <value>", "of this tenant (provider, model, task, tag's value, batch) alone")
    // --config is an option of `budgets` too, which takes it wherever it stands.
    .action(async (name: string, _own: Options, command: Command) => {
      await raise(name, command.optsWithGlobals());
    });
}

async function show(options: Options): Promise<void> {
  const open = await openFleet(options);
  try {
    const [budgets, caps] = await Promise.all([readBudgetStates(open.redis, open.fleet.budgets), readLiveBatchCaps(open.redis)]);
    const accounts = [...budgets, ...caps];
    if (options.json) process.stdout.write(`${JSON.stringify(accounts.map(withConfigured), undefined, 2)}\n`);
    else if (accounts.length === 0) say("no budgets are configured: see docs/costs.md");
    else process.stdout.write(budgetTable(accounts));
  } finally {
    await open.close();
  }
}

export function budgetTable(accounts: readonly AccountState[]): string {
  return table(
    ["budget", "per", "limit", "spent", "reserved", "action", "state"],
    accounts.map((account) => [
      titleOf(account),
      account.budget.per,
      limitOf(account),
      formatUsd(account.spentNanoUsd),
      formatUsd(account.reservedNanoUsd),
      account.budget.action,
      stateOf(account),
    ]),
  );
}

function limitOf({ limitNanoUsd, isRaised, budget }: AccountState): string {
  const limit = formatUsd(limitNanoUsd);
  const how = limitNanoUsd < budget.limitNanoUsd ? "lowered" : "raised";
  return isRaised ? `${limit} (${how}; configured ${formatUsd(budget.limitNanoUsd)})` : limit;
}

function stateOf(account: AccountState): string {
  const standing = standingOf(account);
  switch (standing.kind) {
    case "open":
      return "open";
    case "no-room":
      return `no room for ${formatUsd(standing.neededNanoUsd)}`;
    case "used-up":
      return "used up";
    default:
      return standing satisfies never;
  }
}

/** A batch's own budget has no configured limit. */
function withConfigured(account: AccountState): object {
  return account.budget === BATCH_CAP ? account : { ...account, configuredNanoUsd: account.budget.limitNanoUsd };
}

async function raise(name: string, { to = "", of, ...options }: Options): Promise<void> {
  const open = await openFleet(options);
  try {
    const budget = open.fleet.budgets.find((each) => each.name === name);
    if (!budget) {
      const known = open.fleet.budgets.map((each) => each.name).join(", ");
      throw new UsageError(
        `there is no budget "${name}"`,
        known === "" ? "No budgets are configured: see docs/costs.md." : `There are: ${known}.`,
      );
    }
    if (of !== undefined && (budget.scope === "fleet" || (budget.of !== undefined && budget.of !== of))) {
      throw new UsageError(`budget ${name} has no account of its own for "${of}"`, "Leave out --of: it has one limit.");
    }
    const isConfigured = to === "configured";
    const limit = isConfigured ? undefined : readLimit(to);
    await setBudgetLimit(open.redis, { budget: name, value: of }, limit);
    const title = of === undefined ? name : `${name} (${of})`;
    if (isConfigured)
      say(`budget ${title}: ${of === undefined ? `${formatUsd(budget.limitNanoUsd)}, as configured` : `as ${name} has it`}`);
    else say(`budget ${title}: ${formatUsd(limit!)} until it is set again (the configuration says ${formatUsd(budget.limitNanoUsd)})`);
  } finally {
    await open.close();
  }
}

function readLimit(dollars: string): number {
  try {
    return nanoUsdFromDollars(dollars);
  } catch (error) {
    throw new UsageError(`--to takes dollars, such as 2 or 2.50, not "${dollars}"`, undefined, { cause: error });
  }
}
