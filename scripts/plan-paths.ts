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

export interface PathFinder {
  /** `inputTokens`: of the row's request to a model, as estimated. Rows with the same key take the same path at the same prices. */
  find(job: Job, inputTokens: (model: ModelId) => number): { readonly key: string; readonly path: readonly Step[] };
}

/** By the task's route. */
export function createPathFinder(task: TaskSpec, view: ModelView): PathFinder {
  const paths = new Map<string, readonly Step[]>();
  const { steps, fallback, strategy } = task.route;
  const tiers = createTierKeys([...steps, ...fallback], view);
  const names = createStepNames();

  return {
    find(job, inputTokens) {
      const needs = needsOf(job, task);
      const analysis = strategy.kind === "complexity" ? analyse(job, task, needs.inputTokens) : NO_ANALYSIS;
      const subject: Subject = { task, job, progress: freshProgress(0), needs, analysis };
      const order = orderSteps(subject, view, createFilter(subject, view));
      const way = order.map(names).join(">");
      let path = paths.get(way);
      if (!path) {
        path = walk(subject, view);
        paths.set(way, path);
      }
      return { key: `${way}${tiers(inputTokens)}`, path };
    },
  };
}

/** One model for all rows. */
export function createSinglePathFinder(task: TaskSpec, model: ModelId, view: ModelView): PathFinder {
  const path: readonly Step[] = [{ models: [model] }];
  const tiers = createTierKeys(path, view);
  return {
    find(job, inputTokens) {
      const subject = { task, job, progress: freshProgress(0), needs: needsOf(job, task), analysis: NO_ANALYSIS };
      const isAble = createFilter(subject, view).whyUnable(model) === undefined;
      return isAble ? { key: tiers(inputTokens), path } : { key: "none", path: [] };
    },
  };
}

const NO_ANALYSIS = { complexity: 0.5, reasons: [] };

/** As if every step's answers were found wanting, to the end of the route. */
function walk(subject: Subject, view: ModelView): readonly Step[] {
  const path: Step[] = [];
  const excluded: Exclusion[] = [];
  for (;;) {
    const now: Subject = { ...subject, progress: { ...subject.progress, excluded } };
    const [step] = orderSteps(now, view, createFilter(now, view));
    if (!step) return path;
    path.push(step);
    const cause = step.models.length === 1 ? "check" : "disagreed";
    excluded.push(...step.models.map((model): Exclusion => ({ model, cause, reason: "a plan supposes it" })));
  }
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
