// Which way a row takes through a route, where it goes when a step brings nothing, and who reads it on the way: asked of the router's own filters and order.

import type { Job } from "../job/job.ts";
import type { ModelId } from "../job/names.ts";
import { freshProgress, type Exclusion } from "../job/progress.ts";
import type { Step, TaskSpec } from "../job/task.ts";
import { createFilter, type Filter } from "../routing/able.ts";
import { analyse } from "../routing/analyse.ts";
import type { ModelView } from "../routing/model-view.ts";
import { needsOf } from "../routing/needs.ts";
import { orderSteps } from "../routing/rank.ts";
import type { Subject } from "../routing/subject.ts";
import { stepKey } from "./step-sums.ts";

/** Of the models that are asked beside those that answer, who can and may read a row. */
export interface Readers {
  /** In the task's order. */
  readonly judges: readonly ModelId[];
  /** The one that is to tell its complexity. */
  readonly isAnalysed?: true;
}

/** The ways that rows may take; several where it goes by who is free. None: no model can or may take them. */
export interface RowWays extends Readers {
  readonly ways: readonly (readonly Step[])[];
  /** Of the ways, so many begin with a first choice, and the others with a fallback. */
  readonly firsts: number;
  /** Which of them a row takes is said by a model that is asked for its complexity; the first is the one by the rules. */
  readonly isTold?: true;
}

export interface PathFinder {
  /** Rows with the same key take the same ways. */
  find(job: Job): RowWays & { readonly key: string };
}

/** By the task's route. */
export function createPathFinder(task: TaskSpec, view: ModelView): PathFinder {
  const known = new Map<string, RowWays>();
  const names = createStepNames();

  return {
    find(job) {
      const asked: Subject = { task, job, progress: freshProgress(0), needs: needsOf(job, task), analysis: NO_ANALYSIS };
      const filter = createFilter(asked, view);
      const readers = readersOf(task, filter);
      // Who can't be asked for it leaves it unknown, which is taken as middling.
      const isByRules = task.route.strategy.kind === "complexity" && (task.analyse?.kind !== "model" || readers.isAnalysed === true);
      const subject: Subject = isByRules ? { ...asked, analysis: analyse(job, task, asked.needs.inputTokens) } : asked;
      const order = orderSteps(subject, view, filter);
      const key = `${order.map(names).join(">")} ${readersKey(readers)}`;
      let ways = known.get(key);
      if (!ways) {
        ways = { ...(readers.isAnalysed ? toldWaysOf(subject, view, order) : waysOf(subject, view, order)), ...readers };
        known.set(key, ways);
      }
      return { key, ...ways };
    },
  };
}

/** One model for all rows. */
export function createSinglePathFinder(task: TaskSpec, model: ModelId, view: ModelView): PathFinder {
  const path: readonly Step[] = [{ models: [model] }];
  return {
    find(job) {
      const subject = { task, job, progress: freshProgress(0), needs: needsOf(job, task), analysis: NO_ANALYSIS };
      const filter = createFilter(subject, view);
      const readers = readersOf(task, filter);
      const isAble = filter.whyUnable(model) === undefined;
      return { key: `${isAble} ${readersKey(readers)}`, ways: isAble ? [path] : [], firsts: isAble ? 1 : 0, ...readers };
    },
  };
}

/** What tells the readers of one row from those of another. */
export function readersKey({ judges, isAnalysed }: Readers): string {
  return `${judges.join()} ${isAnalysed === true}`;
}

const NO_ANALYSIS = { complexity: 0.5, reasons: [] };

type Ways = Omit<RowWays, keyof Readers>;

function readersOf({ judge, analyse: by }: TaskSpec, filter: Filter): Readers {
  const judges = (judge?.models ?? []).filter((id) => filter.whyUnable(id, "judge") === undefined);
  return by?.kind === "model" && filter.whyUnable(by.model, "analyse") === undefined ? { judges, isAnalysed: true } : { judges };
}

/** Where it goes by who is free, each step may be the first. A fallback only where a first choice that is busy is passed by. */
function waysOf(subject: Subject, view: ModelView, order: readonly Step[]): Ways {
  const { strategy, steps, spillMs } = subject.task.route;
  const isFirst = new Set(steps);
  const firsts = order.filter((step) => isFirst.has(step));
  const begins = spillMs !== undefined ? order : strategy.kind === "soonest" && firsts.length > 0 ? firsts : order.slice(0, 1);
  return { ways: begins.map((step) => walk(subject, view, step)), firsts: begins.filter((step) => isFirst.has(step)).length };
}

/** One for each band of complexity; where several begin with the same step, one for all of them. */
function toldWaysOf(subject: Subject, view: ModelView, order: readonly Step[]): Ways {
  const { strategy } = subject.task.route;
  const own = waysOf(subject, view, order);
  if (strategy.kind !== "complexity") return own;
  const told = new Map(own.ways.slice(0, 1).map((way) => [stepKey(way[0]!), way]));
  for (const { upTo } of strategy.bands) {
    const harder: Subject = { ...subject, analysis: { ...NO_ANALYSIS, complexity: upTo } };
    const [first] = orderSteps(harder, view, createFilter(harder, view));
    if (first && !told.has(stepKey(first))) told.set(stepKey(first), walk(harder, view, first));
  }
  const ways = [...told.values()];
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
