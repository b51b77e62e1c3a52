// Makes a plan: the file's rows, what is known of the task, and the figures of its route, of its models in another order, and of single models.

import type { JobTerms } from "../job/job.ts";
import type { ModelId } from "../job/names.ts";
import { routeModels, taskModels, type Strategy, type TaskSpec } from "../job/task.ts";
import { createTokenEstimator } from "../prompt/token-estimate.ts";
import { createProvider } from "../providers/create-provider.ts";
import type { ModelView } from "../routing/model-view.ts";
import { NO_STATS } from "../routing/model-stats.ts";
import { statsSubject } from "../routing/stats-book.ts";
import { systemClock } from "../runtime/clock.ts";
import type { JobInput } from "../intake/job-input.ts";
import type { Plan, PlannedFleet, PlannedRoute } from "./plan.ts";
import { refusedPaces } from "./taken-calls.ts";
import { knownAnswers } from "./known-answers.ts";
import { LONGEST_ASSUMED } from "./assumptions.ts";
import { planRoute } from "./plan-route.ts";
import { likeRuns, togetherOf, type FormerRun } from "./former-run.ts";
import type { Learned } from "./learned.ts";
import type { Trials } from "./trials.ts";
import { createKnowledge } from "./knowledge.ts";
import { neededSample } from "./needed-sample.ts";
import { createPathFinder, createSinglePathFinder, type PathFinder } from "./paths.ts";
import { scanRows, type RowScan, type RowScanOptions } from "./scan-rows.ts";
import { SEEN_BURST_MS } from "./scene.ts";
import type { Choice } from "./play-groups.ts";

export interface PlanOptions extends Pick<RowScanOptions, "sampleAbove" | "sampleSize"> {
  readonly fleet: PlannedFleet;
  readonly task: TaskSpec;
  readonly input: JobInput;
  readonly terms: JobTerms;
  readonly learned: Learned;
  readonly trials: Trials;
  readonly former: readonly FormerRun[];
  /** The task's own route alone. */
  readonly isBrief?: boolean;
  /** Compared beside the route's models. */
  readonly baseline?: ModelId | undefined;
}

const COMPARED = ["cheapest", "best", "fastest"] as const satisfies readonly Strategy["kind"][];

interface Scenario extends Pick<PlannedRoute, "name" | "kind"> {
  readonly finder: PathFinder;
  readonly choice: Choice;
}

export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { fleet, task, input, terms, learned, trials, former, baseline } = options;
  const view = createPlanView(fleet, learned);
  const scenarios = scenariosOf(options, view);
  const ids = [...new Set([...taskModels(task), ...(baseline === undefined ? [] : [baseline])])];
  const models = ids.flatMap((id) => fleet.models.get(id) ?? []);
  const providers = new Map(
    Array.from(new Set(models.map(({ provider }) => fleet.providers.get(provider)!)), (spec) => [
      spec.name,
      // Nothing is called: it is asked what it puts around a prompt.
      createProvider({ spec: { ...spec, apiKey: spec.apiKey || "none" }, clock: systemClock }),
    ]),
  );
  const scan = await scanRows(input, {
    task,
    terms,
    models,
    instruction: (model) => (task.output === undefined ? undefined : providers.get(model.provider)?.instruction(model, task.output)),
    estimator: await createTokenEstimator(),
    paths: scenarios.map(({ finder }) => finder),
    ...(options.sampleAbove === undefined ? {} : { sampleAbove: options.sampleAbove }),
    ...(options.sampleSize === undefined ? {} : { sampleSize: options.sampleSize }),
  });
  const runs = likeRuns(former, (model) => scan.inputOf(model).mean);
  const knowledge = createKnowledge({
    task,
    models: fleet.models,
    learned,
    trials,
    rows: scan.good,
    output: outputOf(scan),
    former: togetherOf(runs),
    inputOf: (model) => scan.inputOf(model),
  });
  const seen = {
    vendorLimits: learned.vendorLimits,
    paces: refusedPaces(
      former.map(({ taken }) => taken),
      SEEN_BURST_MS,
    ),
  };
  const figures = { fleet, task, knowledge, scan, seen };
  const routes = scenarios.map(({ name, kind, choice }, i) => planRoute({ name, kind }, scan.groups[i]!, choice, figures));
  const first = scan.groups[0]!.flatMap(({ ways }) => ways.flatMap((way) => way[0]?.models ?? []));
  const history = {
    ...knownAnswers(first, (id) => knowledge.answersOf(id)),
    trialRows: trials.rows.length,
    ...(trials.rows.length > 0 ? { trialsAt: trials.at } : {}),
    formerRows: runs.reduce((sum, each) => sum + each.former.rows, 0),
    formerBatches: runs.length,
    ...(runs[0] ? { formerAt: runs[0].at } : {}),
  };
  const sampleRows = neededSample(routes[0], history, { rows: scan.good, mostRows: fleet.queues.windowRows, isFile: input.isFile });
  const { total, good, bad, isBadEstimated, estimated, sampleError, firstBad } = scan;
  return {
    task: task.name,
    input: input.name,
    rows: {
      total,
      good,
      bad,
      ...(isBadEstimated ? { isBadEstimated } : {}),
      estimated,
      sampleError,
      firstBad,
      done: learned.doneRows,
    },
    history,
    ...(sampleRows === undefined ? {} : { sampleRows }),
    assumptions: knowledge.assumptions(),
    omissions: omissionsOf(task, history),
    ...(baseline === undefined ? {} : { baseline }),
    routes,
  };
}

function scenariosOf({ task, baseline, isBrief = false }: PlanOptions, view: ModelView): readonly Scenario[] {
  const { route } = task;
  const choice = choiceOf(route);
  const own: Scenario = { name: `route (${route.strategy.kind})`, kind: "route", finder: createPathFinder(task, view), choice };
  if (isBrief) return [own];
  const others = route.steps.length < 2 ? [] : COMPARED.filter((kind) => kind !== route.strategy.kind);
  const strategies = others.map((kind): Scenario => {
    const other: TaskSpec = { ...task, route: { ...route, strategy: { kind } } };
    return { name: kind, kind: "strategy", finder: createPathFinder(other, view), choice: choiceOf(other.route) };
  });
  const singles = [...new Set([...routeModels(route), ...(baseline === undefined ? [] : [baseline])])];
  return [
    own,
    ...strategies,
    ...singles.map((id): Scenario => ({ name: id, kind: "model", finder: createSinglePathFinder(task, id, view), choice: IN_ORDER })),
  ];
}

const IN_ORDER: Choice = { kind: "in-order" };

function choiceOf({ strategy, spillMs }: Pick<TaskSpec["route"], "strategy" | "spillMs">): Choice {
  return { kind: strategy.kind === "soonest" ? "soonest" : "in-order", ...(spillMs === undefined ? {} : { spillMs }) };
}

/** What a plan leaves out, whatever is known. */
function omissionsOf({ analyse, route }: TaskSpec, { formerRows }: Plan["history"]): readonly string[] {
  return analyse?.kind === "model" && route.strategy.kind === "complexity" && formerRows === 0
    ? [`how hard ${analyse.model} will find the rows is not known: they are shared out as the rules would have it`]
    : [];
}

/** As the models have done of late; who is free now, or waits, is not asked: that passes. */
function createPlanView({ models }: Pick<PlannedFleet, "models">, { stats }: Learned): ModelView {
  return {
    model: (id) => models.get(id),
    availability: () => ({ kind: "available" }),
    expectedWaitMs: () => 0,
    stats: (task, id) => stats.get(statsSubject(task, id)) ?? NO_STATS,
    isDemoted: () => false,
    whyShut: () => undefined,
  };
}

/** Means over all rows: the first scenario has each of them once. */
function outputOf({ groups }: RowScan) {
  const all = groups[0] ?? [];
  const sum = (of: (group: (typeof all)[number]) => number) => all.reduce((total, group) => total + of(group), 0);
  const rows = Math.max(
    1,
    sum((group) => group.rows),
  );
  const limited = sum(({ limitedRows }) => limitedRows);
  const answers = sum((group) => group.answers) / rows;
  const unlimited = (rows - limited) * answers * LONGEST_ASSUMED;
  return {
    outputTokens: sum(({ outputTokens }) => outputTokens) / rows,
    maxOutputTokens: limited > 0 ? (sum(({ maxOutputTokens }) => maxOutputTokens) + unlimited) / rows : undefined,
    answers,
  };
}
