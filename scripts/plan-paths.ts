// Which way a row takes through a route, and where it goes when a step brings nothing: asked of the router's own filters and order.

import type { Job } from "../src/job/job.ts";
import type { Price } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import { freshProgress, type Exclusion } from "../src/job/progress.ts";
import type { Step, TaskSpec } from "../src/job/task.ts";
import { createFilter } from "../src/routing/able.ts";
import { analyse } from "../src/routing/analyse.ts";
import type { ModelView } from "../src/routing/model-view.ts";
import { needsOf } from "../src/routing/needs.ts";
import { orderSteps } from "../src/routing/rank.ts";
import type { Subject } from "../src/routing/subject.ts";

/** The ways that rows may take; several where it goes by who is free. None: no model can or may take them. */
export interface RowWays {
  readonly ways: readonly (readonly Step[])[];
  /** Of the ways, so many begin with a first choice, and the others with a fallback. */
  readonly firsts: number;
  /** Which of them a row takes is said by a model that is asked for its complexity; the first is the one by the rules. */
  readonly isTold?: true;
}

export interface PathFinder {
  /** `inputTokens`: of the row's request to a model, as estimated. Rows with the same key take the same ways at the same prices. */
  find(job: Job, inputTokens: (model: ModelId) => number): RowWays & { readonly key: string };
}

/** By the task's route. */
export function createPathFinder(task: TaskSpec, view: ModelView): PathFinder {
  const known = new Map<string, RowWays>();
  const { steps, fallback, strategy } = task.route;
  const tiers = createTierKeys([...steps, ...fallback], view);
  const names = createStepNames();

  return {
    find(job, inputTokens) {
      const needs = needsOf(job, task);
      const analysis = strategy.kind === "complexity" ? analyse(job, task, needs.inputTokens) : NO_ANALYSIS;
      const subject: Subject = { task, job, progress: freshProgress(0), needs, analysis };
      const order = orderSteps(subject, view, createFilter(subject, view));
      const name = order.map(names).join(">");
      let ways = known.get(name);
      if (!ways) {
        ways = task.analyse?.kind === "model" ? toldWaysOf(subject, view, order) : waysOf(subject, view, order);
        known.set(name, ways);
      }
      return { key: `${name}${tiers(inputTokens)}`, ...ways };
    },
  };
}

/** One model for all rows. */
export function createSinglePathFinder(task: TaskSpec, model: ModelId, view: ModelView): PathFinder {
  const path: readonly Step[] = [{ models: [model] }];
  const able: RowWays = { ways: [path], firsts: 1 };
  const tiers = createTierKeys(path, view);
  return {
    find(job, inputTokens) {
      const subject = { task, job, progress: freshProgress(0), needs: needsOf(job, task), analysis: NO_ANALYSIS };
      const isAble = createFilter(subject, view).whyUnable(model) === undefined;
      return isAble ? { key: tiers(inputTokens), ...able } : { key: "none", ...NO_WAY };
    },
  };
}

const NO_ANALYSIS = { complexity: 0.5, reasons: [] };
const NO_WAY: RowWays = { ways: [], firsts: 0 };

/** Where it goes by who is free, each step may be the first. A fallback only where a first choice that is busy is passed by. */
function waysOf(subject: Subject, view: ModelView, order: readonly Step[]): RowWays {
  const { strategy, steps, spillMs } = subject.task.route;
  const isFirst = new Set(steps);
  const firsts = order.filter((step) => isFirst.has(step));
  const begins = spillMs !== undefined ? order : strategy.kind === "soonest" && firsts.length > 0 ? firsts : order.slice(0, 1);
  return { ways: begins.map((step) => walk(subject, view, step)), firsts: begins.filter((step) => isFirst.has(step)).length };
}

/** One for each band of complexity. */
function toldWaysOf(subject: Subject, view: ModelView, order: readonly Step[]): RowWays {
  const { strategy } = subject.task.route;
  const own = waysOf(subject, view, order);
  if (strategy.kind !== "complexity") return own;
  const others = strategy.bands.flatMap(({ upTo }) => {
    const told: Subject = { ...subject, analysis: { ...NO_ANALYSIS, complexity: upTo } };
    const [first] = orderSteps(told, view, createFilter(told, view));
    return first && first !== order[0] ? [walk(told, view, first)] : [];
  });
  const ways = [...own.ways.slice(0, 1), ...others];
  return { ways, firsts: ways.length, isTold: true };
}

/** From a step on, as if every answer were found wanting, to the end of the route. */
function walk(subject: Subject, view: ModelView, first: Step): readonly Step[] {
  const path: Step[] = [];
  const excluded: Exclusion[] = [];
  for (let step: Step | undefined = first; step;) {
    path.push(step);
    const cause = step.models.length === 1 ? "check" : "disagreed";
    excluded.push(...step.models.map((model): Exclusion => ({ model, cause, reason: "a plan supposes it" })));
    const now: Subject = { ...subject, progress: { ...subject.progress, excluded } };
    [step] = orderSteps(now, view, createFilter(now, view));
  }
  return path;
}

function createStepNames(): (step: Step) => string {
  const known = new Map<Step, string>();
  return (step) => {
    const name = known.get(step) ?? `${known.size}`;
    known.set(step, name);
    return name;
  };
}

/** Which of the models' long-context prices hold: sums of tokens may only be priced together where all of them have the same. */
function createTierKeys(steps: readonly Step[], view: ModelView): (inputTokens: (model: ModelId) => number) => string {
  const models = [...new Set(steps.flatMap((step) => step.models))];
  const tiered = models.flatMap((id): readonly { readonly id: ModelId; readonly tiers: NonNullable<Price["tiers"]> }[] => {
    const tiers = view.model(id)?.price?.tiers;
    return tiers && tiers.length > 0 ? [{ id, tiers }] : [];
  });
  if (tiered.length === 0) return () => "";
  return (inputTokens) => tiered.map(({ id, tiers }) => tiers.filter((tier) => inputTokens(id) > tier.aboveInputTokens).length).join();
}
