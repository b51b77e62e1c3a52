// Binding: which step a job takes next. Pure: what the models are and how they are doing comes in as a view.
//
// Of the able steps (able.ts), in order of preference (rank.ts), one with an *unavailable* model (breaker, park) is jumped over; one that is merely *full* is
// waited for, so that a busy first choice doesn't spill into a dearer fallback, unless the route says how long a wait is too long. Only when no step is able
// is the job dead. What the job's progress says comes next (an analysis, a judgement, a repair) goes before the route.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import { createFilter, type Filter } from "./able.ts";
import type { Availability, ModelView } from "./model-view.ts";
import { orderSteps } from "./rank.ts";
import { createScorer, stepWaitMs } from "./step-scores.ts";
import type { Subject } from "./subject.ts";

export type Binding =
  | { readonly kind: "bound"; readonly step: Step }
  /** An able step remains, none takes the job now. `reasons`: model by model. `budget`: what is free costs money that isn't there. */
  | { readonly kind: "wait"; readonly cause: "full" | "unavailable" | "budget"; readonly reasons: readonly string[] }
  /** No step of `progress.next` is able: it is to be dropped, and the job bound again. */
  | { readonly kind: "skipped"; readonly reasons: readonly string[] }
  /** No step is able. `no-model`: nothing was ever tried; `exhausted`: what was able has been. */
  | { readonly kind: "dead"; readonly code: "no-model" | "exhausted"; readonly reasons: readonly string[] };

/** Chooses the step that a job takes next. `reasons` never holds more than one line per model. */
export function bind(subject: Subject, view: ModelView): Binding {
  const filter = createFilter(subject, view);
  const stateOf = createStates(subject, view);
  const { next } = subject.progress;
  if (next && next.length > 0) return bindNext(next, filter, stateOf);
  const steps = orderSteps(subject, view, filter);
  if (steps.length === 0) {
    const { trail, excluded } = subject.progress;
    const code = trail.length === 0 && excluded.length === 0 ? "no-model" : "exhausted";
    return { kind: "dead", code, reasons: filter.reasons() };
  }
  return bindRoute(steps, stateOf, { view, spillMs: subject.task.route.spillMs });
}

type StateOf = (id: ModelId) => Availability | { readonly kind: "shut"; readonly reason: string };

/** A model that is free may cost money that isn't there. Each is asked once for a decision. */
function createStates(subject: Subject, view: ModelView): StateOf {
  const { task, job } = subject;
  const scorer = createScorer(subject, view);
  const known = new Map<ModelId, ReturnType<StateOf>>();
  const expected = (id: ModelId) => (view.model(id)?.price ? scorer.modelCostNanoUsd(id) : 0);
  return (id) => {
    let state = known.get(id);
    if (!state) {
      const reason = view.whyShut(task, job, { model: id, inputTokens: subject.needs.inputTokens, costNanoUsd: expected(id) });
      state = reason === undefined ? view.availability(id) : { kind: "shut", reason };
      known.set(id, state);
    }
    return state;
  };
}

/** The first that is able and free; among these, one that is full isn't waited for while another is free. */
function bindNext(next: readonly Step[], filter: Filter, stateOf: StateOf): Binding {
  const able = next.filter((step) => filter.isAble(step));
  if (able.length === 0) return { kind: "skipped", reasons: filter.reasons() };
  const free = able.find((step) => stepState(step, stateOf) === "available");
  if (free) return { kind: "bound", step: free };
  const full = able.find((step) => stepState(step, stateOf) === "full");
  return full ? waitFor(full, stateOf) : waitForAny(able, stateOf);
}

/** `spillMs`: how long a full step is waited for while another is free; absent: however long it takes. */
function bindRoute(
  steps: readonly Step[],
  stateOf: StateOf,
  { view, spillMs }: { readonly view: ModelView; readonly spillMs: number | undefined },
): Binding {
  let waitedFor: Step | undefined;
  for (const step of steps) {
    const state = stepState(step, stateOf);
    if (state === "available") return { kind: "bound", step };
    if (state !== "full") continue;
    waitedFor ??= step;
    if (spillMs === undefined || stepWaitMs(step, view) <= spillMs) break;
  }
  return waitedFor ? waitFor(waitedFor, stateOf) : waitForAny(steps, stateOf);
}

const WORST_FIRST = ["unavailable", "shut", "full", "available"] as const;

/** A step is as available as its worst model. */
function stepState(step: Step, stateOf: StateOf): (typeof WORST_FIRST)[number] {
  const kinds = new Set(step.models.map((id) => stateOf(id).kind));
  return WORST_FIRST.find((kind) => kinds.has(kind)) ?? "unavailable";
}

function waitFor(step: Step, stateOf: StateOf): Binding {
  const reasons = step.models.filter((id) => stateOf(id).kind === "full").map((id) => `${id}: its queue is full`);
  return { kind: "wait", cause: "full", reasons };
}

function waitForAny(steps: readonly Step[], stateOf: StateOf): Binding {
  const models = new Set(steps.flatMap((step) => step.models));
  const reasons = Array.from(models).flatMap((id) => {
    const state = stateOf(id);
    return state.kind === "unavailable" || state.kind === "shut" ? [`${id}: ${state.reason}`] : [];
  });
  const isForMoney = steps.some((step) => stepState(step, stateOf) === "shut");
  return { kind: "wait", cause: isForMoney ? "budget" : "unavailable", reasons };
}
