// From route options to a route: the steps in order of preference.

import type { Price } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Route, Step } from "../job/task.ts";
import type { RouteEntry, RouteOptions } from "./route-options.ts";

/** A typical call reads three tokens for each it writes: what `cheapest` compares by. */
const TYPICAL_INPUT_SHARE = 3;

/** Builds a task's route. The options' model ids are expected to exist; an unpriced model counts as the dearest, in the order given. */
export function buildRoute(options: RouteOptions, priceOf: (id: ModelId) => Price | undefined): Route {
  const first = options.models.map(toStep);
  return [...(options.strategy === "cheapest" ? cheapestFirst(first, priceOf) : first), ...options.fallback.map(toStep)];
}

function toStep(entry: RouteEntry): Step {
  if (typeof entry === "string") return { models: [entry as ModelId] };
  return { models: entry.agree as ModelId[], ...(entry.on === undefined ? {} : { agreeOn: entry.on }) };
}

function cheapestFirst(steps: readonly Step[], priceOf: (id: ModelId) => Price | undefined): readonly Step[] {
  const costs = new Map(steps.map((step) => [step, typicalCost(step, priceOf)]));
  // Not a difference: two unpriced steps would make it NaN.
  return steps.toSorted((a, b) => {
    const [costA, costB] = [costs.get(a) ?? Infinity, costs.get(b) ?? Infinity];
    return costA === costB ? 0 : costA < costB ? -1 : 1;
  });
}

/** In pico-dollars for four tokens; a step pays for all its models. */
function typicalCost(step: Step, priceOf: (id: ModelId) => Price | undefined): number {
  return step.models.reduce((sum, id) => {
    const price = priceOf(id);
    return price ? sum + price.input * TYPICAL_INPUT_SHARE + price.output : Infinity;
  }, 0);
}
