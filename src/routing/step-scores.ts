// What a step is expected to bring and to cost: figures to rank by, not to book.

import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import type { ModelView } from "./model-view.ts";
import { estimateQualities } from "./quality-estimates.ts";
import type { Subject } from "./subject.ts";

export interface StepScores {
  /** Of a step of several models, that of the best of them: what agrees is at least as good. */
  readonly quality: number;
  /** Of all its models together; infinite where one has no price. */
  readonly costNanoUsd: number;
  /** Median time of a call, once it is made; of the slowest of its models. */
  readonly latencyMs: number;
  /** Before it is made; of the one waited for longest. */
  readonly waitMs: number;
}

/** Each figure on demand: a strategy asks for what it ranks by. */
export interface Scorer {
  quality(step: Step): number;
  modelQuality(id: ModelId): number;
  /** Of one call; infinite without a price. */
  modelCostNanoUsd(id: ModelId): number;
  costNanoUsd(step: Step): number;
  latencyMs(step: Step): number;
  waitMs(step: Step): number;
  all(step: Step): StepScores;
}

const PICO_PER_NANO = 1_000;
/** Before an answer was seen. Low rather than high: who seems slow would never be tried. */
const ASSUMED_LATENCY_MS: Readonly<Record<ModelSpec["tier"], number>> = { fast: 800, standard: 1_500, premium: 3_000 };
const ASSUMED_OUTPUT_TOKENS = 256;

export function createScorer({ task, needs }: Pick<Subject, "task" | "needs">, view: ModelView): Scorer {
  let qualities: ReadonlyMap<ModelId, number> | undefined;
  let usualOutput: number | undefined;

  const modelQuality = (id: ModelId) => (qualities ??= estimateQualities(task, view)).get(id) ?? 0;
  /** Of models that have not answered yet: as long as the others' answers, so that the unknown one is compared by its price. */
  const usualOutputTokens = () =>
    (usualOutput ??= meanOutput(task.route.steps, (id) => view.stats(task.name, id).outputTokens, needs.outputTokens));
  const modelCost = (id: ModelId) => {
    const price = view.model(id)?.price;
    if (!price) return Number.POSITIVE_INFINITY;
    const outputTokens = view.stats(task.name, id).outputTokens ?? usualOutputTokens();
    return (needs.inputTokens * price.input + outputTokens * price.output) / PICO_PER_NANO;
  };
  const modelLatency = (id: ModelId) => view.stats(task.name, id).p50Ms ?? ASSUMED_LATENCY_MS[view.model(id)?.tier ?? "standard"];

  const scorer: Omit<Scorer, "all"> = {
    modelQuality,
    modelCostNanoUsd: modelCost,
    quality: ({ models }) => models.reduce((best, id) => Math.max(best, modelQuality(id)), 0),
    costNanoUsd: ({ models }) => models.reduce((sum, id) => sum + modelCost(id), 0),
    latencyMs: ({ models }) => models.reduce((longest, id) => Math.max(longest, modelLatency(id)), 0),
    waitMs: (step) => stepWaitMs(step, view),
  };
  return {
    ...scorer,
    all: (step) => ({
      quality: scorer.quality(step),
      costNanoUsd: scorer.costNanoUsd(step),
      latencyMs: scorer.latencyMs(step),
      waitMs: scorer.waitMs(step),
    }),
  };
}

/** Until the last of a step's calls is made. */
export function stepWaitMs({ models }: Step, view: ModelView): number {
  return models.reduce((longest, id) => Math.max(longest, view.expectedWaitMs(id)), 0);
}

function meanOutput(steps: readonly Step[], of: (id: ModelId) => number | undefined, atMost: number): number {
  let sum = 0;
  let count = 0;
  for (const { models } of steps) {
    for (const id of models) {
      const tokens = of(id);
      if (tokens === undefined) continue;
      sum += tokens;
      count++;
    }
  }
  return count === 0 ? Math.min(ASSUMED_OUTPUT_TOKENS, atMost) : sum / count;
}
