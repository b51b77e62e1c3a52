// Binding: which step of its task's route a job takes next. Pure: what the models are and how they are doing comes in as a view.
//
// A step is *able* when all its models are: configured, not excluded for this job, large enough, with the capabilities needed. Of the able
// steps, in order of preference, one with an *unavailable* model (breaker, park) is jumped over; one that is merely *full* is waited for, so
// that a busy first choice doesn't spill into a dearer fallback. Only when no step is able is the job dead.

import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Progress } from "../job/progress.ts";
import type { Step, TaskSpec } from "../job/task.ts";

/** What a job asks of a model. Tokens are estimates. */
export interface Needs {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly jsonSchema: boolean;
}

export interface Subject {
  readonly task: TaskSpec;
  readonly progress: Progress;
  readonly needs: Needs;
}

export type Availability =
  | { readonly kind: "available" }
  /** Its queue holds as much as the model takes in the next seconds. */
  | { readonly kind: "full" }
  | { readonly kind: "unavailable"; readonly reason: string };

/** The models as they are now: their specifications, and whether they take work. */
export interface ModelView {
  model(id: ModelId): ModelSpec | undefined;
  availability(id: ModelId): Availability;
}

export type Binding =
  | { readonly kind: "bound"; readonly step: Step }
  /** An able step remains, none takes the job now. `reasons`: model by model. */
  | { readonly kind: "wait"; readonly cause: "full" | "unavailable"; readonly reasons: readonly string[] }
  /** No step is able. `no-model`: nothing was ever tried; `exhausted`: what was able has been. */
  | { readonly kind: "dead"; readonly code: "no-model" | "exhausted"; readonly reasons: readonly string[] };

/** Chooses the step that a job takes next. `reasons` never holds more than one line per model. */
export function bind(subject: Subject, view: ModelView): Binding {
  const unable = new Map<ModelId, string>();
  const unavailable = new Map<ModelId, string>();
  for (const step of subject.task.route) {
    if (!isAble(step, subject, view, unable)) continue;
    const state = stepState(step, view, unavailable);
    if (state === "available") return { kind: "bound", step };
    if (state === "full") return { kind: "wait", cause: "full", reasons: fullReasons(step, view) };
  }
  if (unavailable.size > 0) return { kind: "wait", cause: "unavailable", reasons: [...unavailable.values()] };
  const { trail, excluded } = subject.progress;
  const code = trail.length === 0 && excluded.length === 0 ? "no-model" : "exhausted";
  return { kind: "dead", code, reasons: [...unable.values()] };
}

function isAble(step: Step, subject: Subject, view: ModelView, unable: Map<ModelId, string>): boolean {
  let able = step.models.length > 0;
  for (const id of step.models) {
    const reason = whyUnable(id, subject, view);
    if (reason === undefined) continue;
    unable.set(id, `${id}: ${reason}`);
    able = false;
  }
  return able;
}

/** Why the model can't do this job; undefined when it can. */
function whyUnable(id: ModelId, { progress, needs }: Subject, view: ModelView): string | undefined {
  const exclusion = progress.excluded.find((entry) => entry.model === id);
  if (exclusion) return `excluded for this job (${exclusion.cause}): ${exclusion.reason}`;
  const model = view.model(id);
  if (!model) return "not configured";
  const tokens = needs.inputTokens + needs.outputTokens;
  if (tokens > model.contextWindow) return `the request needs about ${tokens} tokens, its context window holds ${model.contextWindow}`;
  const tooSmall = provenTooSmall(progress, view);
  if (model.contextWindow <= tooSmall) return `its context window (${model.contextWindow}) is no larger than one that was too small`;
  if (needs.jsonSchema && !model.capabilities.jsonSchema) return "it can't answer by a JSON schema";
  return undefined;
}

/** The largest context window that this job is known to overflow: the vendor's count overrules our estimate. */
function provenTooSmall(progress: Progress, view: ModelView): number {
  return progress.excluded
    .filter((entry) => entry.cause === "context")
    .reduce((largest, entry) => Math.max(largest, view.model(entry.model)?.contextWindow ?? 0), 0);
}

/** A step is as available as its worst model; unavailable weighs more than full. */
function stepState(step: Step, view: ModelView, unavailable: Map<ModelId, string>): Availability["kind"] {
  let worst: Availability["kind"] = "available";
  for (const id of step.models) {
    const availability = view.availability(id);
    switch (availability.kind) {
      case "available":
        break;
      case "full":
        if (worst === "available") worst = "full";
        break;
      case "unavailable":
        unavailable.set(id, `${id}: ${availability.reason}`);
        worst = "unavailable";
    }
  }
  return worst;
}

function fullReasons(step: Step, view: ModelView): readonly string[] {
  return step.models.filter((id) => view.availability(id).kind === "full").map((id) => `${id}: its queue is full`);
}
