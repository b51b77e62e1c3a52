// A task type: a declared kind of work.

import type { JsonSchema } from "./json.ts";
import type { ModelId } from "./names.ts";

/** Calls that run together. One model: its answer is the step's. Several: their answers must agree (on `on`, or whole), else the next step decides. */
export interface Step {
  readonly models: readonly ModelId[];
  /** For several models: the field of the JSON answer that is compared; absent: the whole answer. */
  readonly agreeOn?: string;
}

/** First choice, then fallbacks, in order of preference. */
export type Route = readonly Step[];

export type CheckSpec = { readonly kind: "schema" };

export interface TaskSpec {
  readonly name: string;
  /** Liquid templates over `input`. Absent: the task takes OpenAI bodies only. */
  readonly prompt?: { readonly system?: string; readonly user: string };
  readonly input?: JsonSchema;
  readonly output?: JsonSchema;
  readonly route: Route;
  readonly checks: readonly CheckSpec[];
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
