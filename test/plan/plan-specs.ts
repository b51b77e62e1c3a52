// What a plan may know, and what it says, put together for tests: calls seen, steps seen, lessons, the sources with all of them, a route's figures.

import type { ModelId } from "../../src/job/names.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { newFormerRows } from "../../src/plan/former-rows.ts";
import type { PlannedRoute } from "../../src/plan/plan.ts";
import { exactly } from "../../src/plan/spread.ts";
import { countCall, newCallTally, newStepTally, type CallTally, type StepTally } from "../../src/plan/step-sums.ts";
import { foldLessons, lessonOf, NO_LESSONS, type LessonSums } from "../../src/prompt/lesson-sums.ts";
import type { SeenStep } from "../../src/plan/evidence.ts";
import { NO_TRIALS } from "../../src/plan/trials.ts";
import { createSources, type KnowledgeOptions, type Sources } from "../../src/plan/sources.ts";
import { trailEntry } from "../results/sample-results.ts";
import { modelSpec, taskSpec } from "../routing/specs.ts";

/** `inputTokens` by the vendor's count, `ours` by our own. */
export interface CallSpec {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly ours?: number;
  readonly outcome?: TrailEntry["outcome"];
  readonly latencyMs?: number;
}

export function callTally(calls: readonly CallSpec[]): CallTally {
  const tally = newCallTally();
  for (const { inputTokens = 100, outputTokens = 20, ours, outcome = "answered", latencyMs = 250 } of calls) {
    const usage = { ...NO_USAGE, inputTokens, outputTokens };
    countCall(tally, trailEntry({ usage, outcome, latencyMs, ...(ours === undefined ? {} : { estimatedInputTokens: ours }) }));
  }
  return tally;
}

export function times<Item>(count: number, of: (i: number) => Item): readonly Item[] {
  return Array.from({ length: count }, (_, i) => of(i));
}

/** `done` of `answered` rows; whatever else is a matter of `changes`. */
export function stepTally(done: number, answered: number, changes: Partial<StepTally> = {}): StepTally {
  return { ...newStepTally(), rows: answered, answered, done, ...changes };
}

export function seenStep(tally: StepTally, changes: Partial<SeenStep> = {}): SeenStep {
  return { tally, longer: 0, isWithin: false, ...changes };
}

/** So many calls: our count, and the vendor's; every answer is as long. */
export function lessonSums(calls: number, { ours = 100, theirs = 100, outputTokens = 20 } = {}): LessonSums {
  const estimate = { inputTokens: ours, inputCharacters: 4 * ours, outputTokens: 50 };
  const lesson = lessonOf(estimate, { ...NO_USAGE, inputTokens: theirs, outputTokens }, { isWhole: true })!;
  return times(calls, () => lesson).reduce(foldLessons, NO_LESSONS);
}

/** Of two models, a/1 and b/2, of which nothing is known. */
export function sourcesOf(changes: Partial<KnowledgeOptions> = {}): Sources {
  const models = new Map<ModelId, ReturnType<typeof modelSpec>>((["a/1", "b/2"] as const).map((id) => [id, modelSpec(id)]));
  return createSources({
    task: taskSpec(),
    models,
    learned: { lessons: new Map(), stats: new Map() },
    trials: NO_TRIALS,
    former: newFormerRows(),
    rows: 1_000,
    inputOf: () => ({ mean: 100, scatter: 20, fixed: 0, shown: 100, rows: 1_000 }),
    output: { outputTokens: 60, maxOutputTokens: undefined },
    ...changes,
  });
}

/** A route of which nothing is remarkable. */
export function plannedRoute(changes: Partial<PlannedRoute> = {}): PlannedRoute {
  return {
    name: "route (ordered)",
    kind: "route",
    calls: exactly(100),
    inputTokens: exactly(10_000),
    outputTokens: exactly(2_000),
    costNanoUsd: exactly(1e9),
    worstCostNanoUsd: 2e9,
    timeMs: exactly(60_000),
    boundBy: "a/1: rpm",
    models: [{ model: "a/1", calls: 100, inputTokens: 10_000, outputTokens: 2_000, costNanoUsd: 1e9 }],
    unableRows: 0,
    unpriced: [],
    ...changes,
  };
}
