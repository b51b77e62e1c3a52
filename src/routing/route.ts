// From route options to a route: its strategy, and its steps as the strategy takes them.

import type { ModelId } from "../job/names.ts";
import type { Agreement, Route, Step, Strategy } from "../job/task.ts";
import { limitsOf, type RouteEntry, type RouteOptions } from "./route-options.ts";

/** Builds a task's route. The options' model ids are expected to exist. */
export function buildRoute(options: RouteOptions): Route {
  const { strategy: by, models = [], fallback, spill, quality } = options;
  const toStep = stepMaker();
  const strategy = toStrategy(options, toStep);
  const steps = strategy.kind === "complexity" ? strategy.bands.flatMap((band) => band.steps) : models.map(toStep);
  return {
    strategy,
    // A step of several bands is one step. (Weights go by place: there each entry stays.)
    steps: by.kind === "weighted" ? steps : [...new Set(steps)],
    fallback: [...new Set(fallback.map(toStep))],
    ...(spill === undefined ? {} : { spillMs: spill }),
    quality,
  };
}

type ToStep = (entry: RouteEntry) => Step;

function toStrategy({ strategy: by, models = [] }: RouteOptions, toStep: ToStep): Strategy {
  if (by.balanced) return { kind: "balanced", ...by.balanced };
  if (by.simple && by.complex) {
    const { simple, medium } = limitsOf(by);
    const band = (upTo: number, entries: readonly RouteEntry[]) => ({ upTo, steps: entries.map(toStep) });
    return { kind: "complexity", bands: [band(simple, by.simple), ...(by.medium ? [band(medium, by.medium)] : []), band(1, by.complex)] };
  }
  const kind = by.kind ?? "ordered";
  switch (kind) {
    case "balanced":
      return { kind, quality: 1, cost: 1, speed: 1 };
    case "weighted":
      return { kind, weights: models.map((entry) => entry.weight ?? 1) };
    default:
      return { kind };
  }
}

/** The same entry makes the same step, wherever it stands. */
function stepMaker(): ToStep {
  const made = new Map<string, Step>();
  return ({ model, agree, on, need }) => {
    const agreement: Agreement = { ...(on === undefined ? {} : { on }), ...(need === undefined ? {} : { need }) };
    const key = JSON.stringify([agree ?? model, agreement]);
    let step = made.get(key);
    if (!step) {
      step = agree ? { models: agree as ModelId[], agree: agreement } : { models: [model as ModelId] };
      made.set(key, step);
    }
    return step;
  };
}
