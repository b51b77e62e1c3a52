// Makes a plan: the file's rows, what is known of the task, and the figures of its route, of its models in another order, and of single models.

import type { Fleet } from "../src/config/fleet.ts";
import type { JobTerms } from "../src/job/job.ts";
import type { ModelId } from "../src/job/names.ts";
import { routeModels, taskModels, type Strategy, type TaskSpec } from "../src/job/task.ts";
import type { PlannedRoute } from "../src/plan/plan.ts";
import { createTokenEstimator } from "../src/prompt/token-estimate.ts";
import { createProvider } from "../src/providers/create-provider.ts";
import type { ModelView } from "../src/routing/model-view.ts";
import { NO_STATS } from "../src/routing/model-stats.ts";
import { statsSubject } from "../src/routing/stats-book.ts";
import { systemClock } from "../src/runtime/clock.ts";
import type { JobInput } from "./job-input.ts";
import { planRoute } from "./plan-figures.ts";
import type { Learned, Trials } from "./plan-history.ts";
import { createKnowledge } from "./plan-knowledge.ts";
import { createPathFinder, createSinglePathFinder, type PathFinder } from "./plan-paths.ts";
import { scanRows, type RowScan, type RowScanOptions } from "./plan-rows.ts";

export interface Plan {
  readonly task: string;
  readonly input: string;
  readonly rows: Pick<RowScan, "total" | "good" | "bad" | "estimated" | "sampleError" | "firstBad"> & {
    /** Have a result already: a run of this file doesn't call them again. */
    readonly done: number;
  };
  readonly history: {
    /** Fewest answers known of a model that the route asks first; 0: none was ever seen. */
    readonly answers: number;
    /** Rows that trials asked of the models, and when (unix ms). */
    readonly trialRows: number;
    readonly trialsAt?: number;
  };
  /** What the figures rest on where nothing is known, in words. */
  readonly assumptions: readonly string[];
  /** What no history tells, or no figure holds, in words. */
  readonly omissions: readonly string[];
  /** The task's own route first. */
  readonly routes: readonly PlannedRoute[];
}

export interface PlanOptions extends Pick<RowScanOptions, "sampleAbove" | "sampleSize"> {
  readonly fleet: Fleet;
  readonly task: TaskSpec;
  readonly input: JobInput;
  readonly terms: JobTerms;
  readonly learned: Learned;
  readonly trials: Trials;
  /** The task's own route alone. */
  readonly isBrief?: boolean;
  /** Compared beside the route's models. */
  readonly baseline?: ModelId | undefined;
}

const COMPARED = ["cheapest", "best", "fastest"] as const satisfies readonly Strategy["kind"][];

interface Scenario extends Pick<PlannedRoute, "name" | "kind"> {
  readonly finder: PathFinder;
}

export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { fleet, task, input, terms, learned, trials } = options;
  const view = createPlanView(fleet, learned);
  const scenarios = scenariosOf(options, view);
  const ids = [...new Set([...taskModels(task), ...(options.baseline === undefined ? [] : [options.baseline])])];
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
  const knowledge = createKnowledge({ task, models: fleet.models, learned, trials, rows: scan.good, output: outputOf(scan) });
  const routes = scenarios.map(({ name, kind }, i) => planRoute({ name, kind }, scan.groups[i]!, { fleet, task, knowledge, scan }));
  const first = scan.groups[0]!.flatMap(({ path }) => path[0]?.models ?? []);
  const { total, good, bad, estimated, sampleError, firstBad } = scan;
  return {
    task: task.name,
    input: input.name,
    rows: { total, good, bad, estimated, sampleError, firstBad, done: learned.doneRows },
    history: {
      answers: first.length === 0 ? 0 : Math.round(Math.min(...first.map((id) => knowledge.answersOf(id)))),
      trialRows: trials.rows.length,
      ...(trials.rows.length > 0 ? { trialsAt: trials.at } : {}),
    },
    assumptions: knowledge.assumptions(),
    omissions: omissionsOf(task),
    routes,
  };
}

function scenariosOf({ task, baseline, isBrief = false }: PlanOptions, view: ModelView): readonly Scenario[] {
  const { route } = task;
  const own: Scenario = { name: `route (${route.strategy.kind})`, kind: "route", finder: createPathFinder(task, view) };
  if (isBrief) return [own];
  const others = route.steps.length < 2 ? [] : COMPARED.filter((kind) => kind !== route.strategy.kind);
  const strategies = others.map((kind): Scenario => {
    return { name: kind, kind: "strategy", finder: createPathFinder({ ...task, route: { ...route, strategy: { kind } } }, view) };
  });
  const singles = [...new Set([...routeModels(route), ...(baseline === undefined ? [] : [baseline])])];
  return [
    own,
    ...strategies,
    ...singles.map((id): Scenario => ({ name: id, kind: "model", finder: createSinglePathFinder(task, id, view) })),
  ];
}

/** What a plan leaves out, whatever is known. */
function omissionsOf({ route, judge }: TaskSpec): readonly string[] {
  const isSpread = route.strategy.kind === "soonest" || route.spillMs !== undefined;
  return [
    ...(isSpread
      ? ["rows that go elsewhere because the first choice is busy are not reckoned: it may cost and take less, or cost more"]
      : []),
    ...(judge
      ? ["a judge's verdicts are in no statistics: it is supposed to pass all answers that passed the checks, or eight of ten (high)"]
      : []),
  ];
}

/** As the models have done of late; who is free now, or waits, is not asked: that passes. */
function createPlanView({ models }: Pick<Fleet, "models">, { stats }: Learned): ModelView {
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
  const limited = sum(({ limitedRows }) => limitedRows);
  return {
    outputTokens:
      sum(({ outputTokens }) => outputTokens) /
      Math.max(
        1,
        sum(({ rows }) => rows),
      ),
    maxOutputTokens: limited > 0 ? sum(({ maxOutputTokens }) => maxOutputTokens) / limited : undefined,
  };
}
