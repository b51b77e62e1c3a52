// A task type: a declared kind of work.

import type { Analyse } from "./analysis.ts";
import type { JsonSchema } from "./json.ts";
import type { ModelId } from "./names.ts";
import type { CheckSpec, JudgeSpec } from "./check-spec.ts";

/**
 * Calls that run together. One model: its answer is the step's. Several: enough of them must agree, else the next step decides.
 * `purpose`: what the calls are for, where they are not to answer the job.
 */
export interface Step {
  readonly models: readonly ModelId[];
  readonly agree?: Agreement;
  readonly purpose?: "repair" | "judge" | "analyse";
}

/** For steps of several models. */
export interface Agreement {
  /** The fields of the JSON answers that are compared, all of them; absent: the whole answers. */
  readonly on?: readonly string[];
  /** How many must agree; absent: all. */
  readonly need?: number;
}

/** By what a task's steps are put in order for a job. */
export type Strategy =
  | { readonly kind: "ordered" }
  | { readonly kind: "cheapest" }
  | { readonly kind: "fastest" }
  | { readonly kind: "best" }
  /** By expected wait and latency: who would be done first. */
  | { readonly kind: "soonest" }
  /** Weights, of which only the ratio counts. */
  | { readonly kind: "balanced"; readonly quality: number; readonly cost: number; readonly speed: number }
  /** Splits the traffic; one weight per step, in the order of the steps. */
  | { readonly kind: "weighted"; readonly weights: readonly number[] }
  /** The band that holds the job's complexity goes first, then the harder ones, then the simpler ones. Ascending; the last reaches to 1. */
  | { readonly kind: "complexity"; readonly bands: readonly { readonly upTo: number; readonly steps: readonly Step[] }[] };

export interface Route {
  readonly strategy: Strategy;
  /** First choices; the strategy puts them in order. For `complexity` those of all bands. */
  readonly steps: readonly Step[];
  /** Where jobs go when no first choice is left or available, in this order. */
  readonly fallback: readonly Step[];
  /** A first choice that would keep a job waiting for longer than this is jumped over while another is free. Absent: it is waited for. */
  readonly spillMs?: number;
  /** What is known of the models' quality for this task beforehand (a pilot's figures, 0 to 1): counts like some fifty answers seen. */
  readonly quality: Readonly<Record<ModelId, number>>;
}

/** What the pilot saw, held against what is seen later. */
export interface DriftSpec {
  /** Share of answers that passed their checks, and how many were seen, by model. */
  readonly passRates: Readonly<Record<ModelId, { readonly rate: number; readonly of: number }>>;
  /** The same for agreements, by the models of the step joined by `+`. */
  readonly agreements: Readonly<Record<string, { readonly rate: number; readonly of: number }>>;
  /** A model that has fallen is put behind all others until it recovers. */
  readonly isDemoting: boolean;
}

export interface TaskSpec {
  readonly name: string;
  /** Liquid templates over `input`. Absent: the task takes OpenAI bodies only. */
  readonly prompt?: { readonly system?: string; readonly user: string };
  readonly input?: JsonSchema;
  readonly output?: JsonSchema;
  readonly route: Route;
  readonly checks: readonly CheckSpec[];
  readonly judge?: JudgeSpec;
  readonly analyse?: Analyse;
  readonly drift?: DriftSpec;
  /** The class of its jobs' data: a field of the row says it, else it is the default. Absent: no rule applies. */
  readonly dataClass?: { readonly field?: string; readonly default?: string };
  /** Calls to one model that may end `transient` before the model is excluded for the job. */
  readonly attempts: number;
  /** One call's time limit. */
  readonly timeoutMs: number;
  /** How long a job may wait while no able model is available, before it is dead-lettered. */
  readonly patienceMs: number;
  /** What happens to a refused job: it ends, or goes to at most one other model. */
  readonly onRefusal: "fail" | "reroute";
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
}

/** Every model that may answer the task's jobs, in the order of the route. */
export function routeModels({ steps, fallback }: Pick<Route, "steps" | "fallback">): readonly ModelId[] {
  return [...new Set([...steps, ...fallback].flatMap((step) => step.models))];
}

/** Every model that the task's jobs may call: those of the route, its judges, and who is asked for the complexity. */
export function taskModels({ route, judge, analyse }: Pick<TaskSpec, "route" | "judge" | "analyse">): readonly ModelId[] {
  return [...new Set([...routeModels(route), ...(judge?.models ?? []), ...(analyse?.kind === "model" ? [analyse.model] : [])])];
}
