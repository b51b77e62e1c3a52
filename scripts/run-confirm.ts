// Before `run` spends: a plan, where there is a limit for it to pass, and a question to whoever is at the terminal when it does.

import { accountsOf } from "../src/cost/budget.ts";
import { accountKey } from "../src/cost/budget-gate.ts";
import { readBudgetStates } from "../src/cost/redis-budget-states.ts";
import { isOver, type BatchStatus } from "../src/job/batch.ts";
import { StoppedError } from "../src/job/errors.ts";
import type { JobTerms } from "../src/job/job.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { PlannedRoute, Plan } from "../src/plan/plan.ts";
import { formatUsd } from "../src/report/format.ts";
import { openStore } from "../src/results/open-store.ts";
import type { Store } from "../src/results/store.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import type { FormerRun } from "../src/plan/former-run.ts";
import type { Trials } from "../src/plan/trials.ts";
import { makePlan } from "../src/plan/make-plan.ts";
import { askYesNo, isAtTerminal } from "./ask-yes-no.ts";
import { latestBatch, type BatchChoice } from "./batch-session.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { readFormerRuns } from "./plan-former.ts";
import { readBooks } from "./plan-learned.ts";
import { findTrials } from "./plan-trials.ts";
import { say } from "./terminal.ts";

/** Nobody wants to wait for it: of more rows than these a sample is looked at. */
const SAMPLE_ABOVE = 10_000;
const SAMPLE_SIZE = 4_000;
const FORMER_ROWS = 5_000;
const PATIENCE_MS = 3_000;

export interface Confirmation {
  readonly task: TaskSpec;
  readonly input: JobInput;
  readonly terms: JobTerms;
  readonly maxCostNanoUsd: number | undefined;
  readonly choice: BatchChoice;
  readonly signal: AbortSignal;
}

/** Nothing is asked where nothing is limited, or the plan passes no limit. @throws StoppedError when the answer is no. */
export async function confirmPlan(open: OpenFleet, confirmation: Confirmation): Promise<"yes" | "interrupted"> {
  const { task, input, terms, maxCostNanoUsd, choice, signal } = confirmation;
  const { fleet, redis, states } = open;
  if ((maxCostNanoUsd === undefined && fleet.budgets.length === 0) || !input.isFile) return "yes";
  const batch = choice.batch ?? (await latestBatch(redis, input.derivedBatch ?? ""));
  const status = choice.fresh ? undefined : await states.status(batch);
  if (status && isOver(status.state)) return "yes";

  const store = openStore(fleet);
  const { trials, former } = await readStore(store, task).finally(() => store.stop());
  const learned = { ...(await readBooks(redis, fleet.providers.values())), doneRows: status?.done ?? 0 };
  const plan = await makePlan({
    fleet,
    task,
    input,
    terms,
    learned,
    trials,
    former,
    isBrief: true,
    sampleAbove: SAMPLE_ABOVE,
    sampleSize: SAMPLE_SIZE,
  });
  const [route] = plan.routes;
  if (!route) return "yes";
  const left = leftOf(plan, status);
  const spentNanoUsd = status?.costNanoUsd ?? 0;
  const isPassed = maxCostNanoUsd !== undefined && spentNanoUsd + left * route.costNanoUsd.expected > maxCostNanoUsd;
  const passed = [
    ...(isPassed ? [`--max-cost ${formatUsd(maxCostNanoUsd)}`] : []),
    ...(await passedBudgets(open, { route, left, task, terms, batch })),
  ];
  if (passed.length === 0) return "yes";
  say(`the plan: ${costOf(plan, route, left)}, which passes ${passed.join(" and ")}`);
  if (!isAtTerminal()) {
    say("warning: going on up to that, for there is no terminal to ask at");
    return "yes";
  }
  const answer = await askYesNo("Go on up to that?", signal);
  if (answer === "no") throw new StoppedError("nothing was called", "See what it comes to with: modelfleet plan.");
  return answer;
}

async function readStore(store: Store, task: TaskSpec): Promise<{ readonly trials: Trials; readonly former: readonly FormerRun[] }> {
  return {
    trials: await findTrials(store, task, { mostRows: FORMER_ROWS, patienceMs: PATIENCE_MS }),
    former: await readFormerRuns(store, task, { mostRows: FORMER_ROWS, patienceMs: PATIENCE_MS }),
  };
}

/** Share of the good rows that have no result yet. Bad rows have one, too, and it is an error: as far as errors go, the file's bad rows are among them. */
function leftOf({ rows }: Plan, status: BatchStatus | undefined): number {
  if (!status) return 1;
  const goodDone = status.done - Math.min(status.failed, rows.bad);
  return Math.max(0, 1 - goodDone / Math.max(1, rows.good));
}

/** Budgets that have less left than the route's models are expected to take of them. */
async function passedBudgets(
  { fleet, redis }: OpenFleet,
  run: {
    readonly route: PlannedRoute;
    readonly left: number;
    readonly task: TaskSpec;
    readonly terms: JobTerms;
    readonly batch: string;
  },
): Promise<readonly string[]> {
  const { route, left, task, terms, batch } = run;
  const { tags, tenant } = terms;
  const states = new Map((await readBudgetStates(redis, fleet.budgets)).map((state) => [accountKey(state), state]));
  const wanted = new Map<string, { readonly name: string; readonly limitNanoUsd: number; costNanoUsd: number }>();
  for (const { model, costNanoUsd } of route.models) {
    const { provider = "", price } = fleet.models.get(model) ?? {};
    const whose = { ...(tags ? { tags } : {}), ...(tenant === undefined ? {} : { tenant }), ...(price ? { price } : {}) };
    for (const { id, budget, isBinding } of accountsOf(fleet.budgets, { model, provider, task: task.name, batch, ...whose })) {
      if (!isBinding) continue;
      const found = wanted.get(id) ?? { name: budget.name, limitNanoUsd: budget.limitNanoUsd, costNanoUsd: 0 };
      found.costNanoUsd += left * costNanoUsd;
      wanted.set(id, found);
    }
  }
  return Array.from(wanted).flatMap(([id, { name, limitNanoUsd, costNanoUsd }]) => {
    const state = states.get(id);
    const freeNanoUsd = state ? state.limitNanoUsd - state.spentNanoUsd - state.reservedNanoUsd : limitNanoUsd;
    return costNanoUsd > freeNanoUsd ? [`the budget ${name} (${formatUsd(Math.max(0, freeNanoUsd))} left)`] : [];
  });
}

function costOf({ assumptions }: Plan, { costNanoUsd }: PlannedRoute, left: number): string {
  const { low, expected, high } = costNanoUsd;
  const basis = assumptions.length > 0 ? ", by assumption" : "";
  return `about ${formatUsd(left * expected)} (${formatUsd(left * low)} … ${formatUsd(left * high)}${basis})`;
}
