// One call has ended: does the same model try again, or is this part of the step over? A pure function; the pool acts on its value.

import type { ModelId } from "../job/names.ts";
import type { Outcome } from "../job/outcome.ts";
import type { TaskSpec } from "../job/task.ts";

/** A wait longer than this makes the model unavailable instead of holding the job in its queue. */
export const LONGEST_WAIT_MS = 30_000;
const BACKOFF_BASE_MS = 1_000;

export type PartDecision =
  | { readonly kind: "again"; readonly waitMs: number; readonly countsAttempt: boolean }
  /** `outcome` is the part's last word: the one that came in, or what it amounts to. */
  | { readonly kind: "over"; readonly outcome: Outcome };

/**
 * One part's outcome. `transientSoFar` counts the job's earlier transient calls to this model; `random` is uniform in [0, 1).
 */
export function decidePart(task: TaskSpec, model: ModelId, transientSoFar: number, outcome: Outcome, random: () => number): PartDecision {
  switch (outcome.kind) {
    case "throttled":
      return againOrAway(model, outcome.reason, outcome.waitMs, false);
    case "transient":
      if (transientSoFar + 1 >= task.attempts) return { kind: "over", outcome };
      return againOrAway(model, outcome.reason, Math.max(outcome.retryAfterMs ?? 0, backoffMs(transientSoFar, random)), true);
    default:
      return { kind: "over", outcome: outcome satisfies LastWord };
  }
}

/** Outcomes after which the same model is not asked again; a new kind of outcome must be placed here or above. */
type LastWord = Extract<Outcome, { kind: "answered" | "unavailable" | "unfit" | "refused" | "invalid" | "expired" | "cancelled" }>;

/** A model that asks for a long wait is unavailable for that long: the job may find another, and its breaker tells the fleet. */
function againOrAway(model: ModelId, reason: string, waitMs: number, countsAttempt: boolean): PartDecision {
  if (waitMs <= LONGEST_WAIT_MS) return { kind: "again", waitMs, countsAttempt };
  return {
    kind: "over",
    outcome: { kind: "unavailable", scope: "model", reason: `${model} asks for a wait: ${reason}`, openForMs: waitMs },
  };
}

/** Doubles from 1 s to 30 s; half of it is jitter, so that jobs that failed together don't return together. */
function backoffMs(transientSoFar: number, random: () => number): number {
  const full = Math.min(LONGEST_WAIT_MS, BACKOFF_BASE_MS * 2 ** transientSoFar);
  return Math.round(full / 2 + (full / 2) * random());
}
