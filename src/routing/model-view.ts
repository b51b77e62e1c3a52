// The contract between routing and the world: the models as they are now, and as they have done of late.

import type { Job } from "../job/job.ts";
import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import type { ModelStats } from "./model-stats.ts";

export type Availability =
  | { readonly kind: "available" }
  /** Its queue holds as much as the model takes in the next seconds. */
  | { readonly kind: "full" }
  | { readonly kind: "unavailable"; readonly reason: string };

/** A call as the router expects it to be. */
export interface ExpectedCall {
  readonly model: ModelId;
  readonly inputTokens: number;
  readonly costNanoUsd: number;
}

export interface ModelView {
  model(id: ModelId): ModelSpec | undefined;
  availability(id: ModelId): Availability;
  /** How long a job added now would wait for its call: what lies before it ÷ the pace at which it is taken. Infinite where that can't be told. */
  expectedWaitMs(id: ModelId): number;
  /** Of the task's calls to the model, by the whole fleet. */
  stats(task: string, id: ModelId): ModelStats;
  /** Which budget keeps a call of about this cost from the model now; undefined: none. */
  whyShut(task: TaskSpec, job: Job, call: ExpectedCall): string | undefined;
  /** Put behind all others for this task, for its answers have fallen off. */
  isDemoted(task: string, id: ModelId): boolean;
}
