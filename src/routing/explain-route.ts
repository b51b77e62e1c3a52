// A routing decision laid open: what was found of the job, who was filtered and why, how the others compare, in which order, and what would be bound now.

import type { Analysis } from "../job/analysis.ts";
import type { ModelId } from "../job/names.ts";
import { routeModels, type Step, type Strategy } from "../job/task.ts";
import { createFilter } from "./able.ts";
import { bind, type Binding } from "./bind.ts";
import { dataClassOf } from "./data-policy.ts";
import type { Availability, ModelView } from "./model-view.ts";
import type { ModelStats } from "./model-stats.ts";
import type { Needs } from "./needs.ts";
import { rank, type RankedStep } from "./rank.ts";
import type { Subject } from "./subject.ts";

export interface RouteExplanation {
  readonly task: string;
  readonly strategy: Strategy["kind"];
  readonly analysis: Analysis;
  readonly needs: Needs;
  readonly dataClass?: string;
  readonly allow?: readonly ModelId[];
  readonly deny?: readonly ModelId[];
  /** Every model of the route, in its order; then those that judge or are asked how complex the job is. */
  readonly models: readonly ExplainedModel[];
  /** The able steps, in the order in which they are tried. */
  readonly order: readonly RankedStep[];
  readonly binding: Binding;
}

export interface ExplainedModel {
  readonly model: ModelId;
  readonly role: "route" | "judge" | "analyse";
  /** Why it is filtered; absent: it is able. */
  readonly whyUnable?: string;
  readonly availability: Availability;
  readonly expectedWaitMs: number;
  readonly isDemoted: boolean;
  readonly stats: ModelStats;
}

export function explainRoute(subject: Subject, view: ModelView): RouteExplanation {
  const { task, job, needs, analysis } = subject;
  const filter = createFilter(subject, view);
  const explained = (model: ModelId, role: ExplainedModel["role"]): ExplainedModel => {
    const purpose: Step["purpose"] = role === "route" ? undefined : role;
    const whyUnable = filter.whyUnable(model, purpose);
    return {
      model,
      role,
      ...(whyUnable === undefined ? {} : { whyUnable }),
      availability: view.availability(model),
      expectedWaitMs: view.expectedWaitMs(model),
      isDemoted: view.isDemoted(task.name, model),
      stats: view.stats(task.name, model),
    };
  };
  const dataClass = dataClassOf(job, task);
  return {
    task: task.name,
    strategy: task.route.strategy.kind,
    analysis,
    needs,
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(job.allow ? { allow: job.allow } : {}),
    ...(job.deny ? { deny: job.deny } : {}),
    models: [
      ...routeModels(task.route).map((model) => explained(model, "route")),
      ...(task.judge?.models ?? []).map((model) => explained(model, "judge")),
      ...(task.analyse?.kind === "model" ? [explained(task.analyse.model, "analyse")] : []),
    ],
    order: rank(subject, view, filter),
    binding: bind(subject, view),
  };
}
