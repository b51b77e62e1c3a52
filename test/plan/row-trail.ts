// Trails of rows as pools leave them: each step has queue jobs of its own, two hops on from the last one, a part for each of its models, and a number for each
// attempt.

import type { ModelId } from "../../src/job/names.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE, type Usage } from "../../src/job/usage.ts";
import { trailEntry } from "../results/sample-results.ts";

/** One call, as far as a test is about it. */
export type MadeCall = Partial<Omit<TrailEntry, "call">> & Pick<TrailEntry, "model">;

export function usage(inputTokens: number, outputTokens: number): Usage {
  return { ...NO_USAGE, inputTokens, outputTokens };
}

export function said(model: ModelId, changes: Partial<MadeCall> = {}): MadeCall {
  return { model, ...changes };
}

/** Nothing came back, and nothing is paid. */
export function failedCall(model: ModelId, outcome: TrailEntry["outcome"] = "transient", changes: Partial<MadeCall> = {}): MadeCall {
  return { model, outcome, usage: NO_USAGE, ...changes };
}

/** An answer that is paid and doesn't pass. */
export function unfit(model: ModelId, changes: Partial<MadeCall> = {}): MadeCall {
  return { model, outcome: "unfit", reason: "no JSON", ...changes };
}

export function repair(model: ModelId, changes: Partial<MadeCall> = {}): MadeCall {
  return { model, purpose: "repair", ...changes };
}

export function score(model: ModelId, points: number, changes: Partial<MadeCall> = {}): MadeCall {
  return { model, purpose: "judge", reason: `${points} of 10: so it is`, ...changes };
}

/** `steps`: the calls of each of a row's queue jobs, by part; several calls to the same model are attempts. */
export function rowTrail(row: number, ...steps: readonly (readonly MadeCall[])[]): readonly TrailEntry[] {
  return steps.flatMap((calls, step) => {
    const models = [...new Set(calls.map(({ model }) => model))];
    const attempts = new Map<ModelId, number>();
    return calls.map((made, i) => {
      const attempt = (attempts.get(made.model) ?? 0) + 1;
      attempts.set(made.model, attempt);
      return trailEntry({
        purpose: models.length > 1 ? "agree" : "answer",
        ...made,
        call: `b.${row}.${2 * step + 1}.${models.indexOf(made.model)}.${attempt}~p${step}${i}`,
      });
    });
  });
}
