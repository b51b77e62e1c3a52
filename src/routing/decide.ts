// What an outcome means for the job: outcome first, effect second. Pure functions; the pool and the reroute worker act on their values.
//
// decidePart: one call has ended. Does the same model try again, or is this part of the step over?
// decideStep: every part of the step is over. Is the job done, or is it bound again?

import { isDeepStrictEqual } from "node:util";
import type { ModelId } from "../job/names.ts";
import type { Answer, Outcome } from "../job/outcome.ts";
import type { Exclusion, Progress } from "../job/progress.ts";
import type { ResultError } from "../job/result.ts";
import type { Step, TaskSpec } from "../job/task.ts";

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

/** How one part of a step ended. */
export interface Part {
  readonly model: ModelId;
  readonly outcome: Outcome;
}

export type Decision =
  | { readonly kind: "answer"; readonly model: ModelId; readonly answer: Answer }
  | { readonly kind: "error"; readonly error: ResultError }
  /** The job goes to `bind()` with this progress. */
  | { readonly kind: "rebind"; readonly progress: Progress };

/**
 * A whole step's outcome, its parts in the step's order. What ends the job whatever else happened comes first (cancelled, expired, invalid,
 * a refusal by policy); then what its models can't do excludes them; only parts that all answered are compared.
 */
export function decideStep(task: TaskSpec, progress: Progress, step: Step, parts: readonly Part[]): Decision {
  const verdict = readParts(parts);
  const ending = verdict.endings.toSorted((a, b) => ENDING_RANK[a.code] - ENDING_RANK[b.code])[0];
  if (ending) return { kind: "error", error: ending };

  const refusals = progress.refusals + verdict.refused.length;
  const refusal = verdict.refused[0];
  if (refusal && (task.onRefusal === "fail" || refusals > 1)) {
    return { kind: "error", error: { code: "refused", message: refusal.reason } };
  }

  const [first, ...others] = verdict.answers;
  if (first && verdict.answers.length === parts.length) {
    if (others.every((other) => agree(first.answer, other.answer, step.agreeOn))) return { kind: "answer", ...first };
    return rebind(progress, refusals, disagreement(step));
  }
  return rebind(progress, refusals, verdict.exclusions);
}

type EndingCode = "cancelled" | "expired" | "invalid";
const ENDING_RANK: Readonly<Record<EndingCode, number>> = { cancelled: 0, expired: 1, invalid: 2 };

interface Verdict {
  readonly endings: (ResultError & { readonly code: EndingCode })[];
  readonly refused: { readonly model: ModelId; readonly reason: string }[];
  readonly exclusions: Exclusion[];
  readonly answers: { readonly model: ModelId; readonly answer: Answer }[];
}

function readParts(parts: readonly Part[]): Verdict {
  const verdict: Verdict = { endings: [], refused: [], exclusions: [], answers: [] };
  for (const { model, outcome } of parts) {
    switch (outcome.kind) {
      case "answered":
        verdict.answers.push({ model, answer: outcome.answer });
        break;
      case "transient":
        verdict.exclusions.push({ model, cause: "transient", reason: outcome.reason });
        break;
      case "unfit":
        verdict.exclusions.push({ model, cause: outcome.cause, reason: outcome.reason });
        break;
      case "refused": {
        const reason = `${model} refused: ${outcome.reason}`;
        verdict.refused.push({ model, reason });
        verdict.exclusions.push({ model, cause: "refused", reason: outcome.reason });
        break;
      }
      case "throttled":
      case "unavailable":
        // Nothing was learned of the model's fitness: the breaker or the limiter keeps it away for as long as need be.
        break;
      case "invalid":
      case "expired":
      case "cancelled":
        verdict.endings.push({ code: outcome.kind, message: outcome.reason });
    }
  }
  return verdict;
}

/** JSON answers are compared as values (on one field, where the step names it), others as trimmed text. */
function agree(a: Answer, b: Answer, agreeOn: string | undefined): boolean {
  if (a.json === undefined || b.json === undefined) return a.text.trim() === b.text.trim();
  return isDeepStrictEqual(compared(a, agreeOn), compared(b, agreeOn));
}

function compared(answer: Answer, agreeOn: string | undefined): unknown {
  const json: unknown = answer.json;
  if (agreeOn === undefined || typeof json !== "object" || json === null) return json;
  return Object.hasOwn(json, agreeOn) ? (json as Readonly<Record<string, unknown>>)[agreeOn] : undefined;
}

function disagreement(step: Step): readonly Exclusion[] {
  const on = step.agreeOn === undefined ? "" : ` on ${JSON.stringify(step.agreeOn)}`;
  return step.models.map((model) => ({ model, cause: "disagreed", reason: `${step.models.join(" and ")} disagreed${on}` }));
}

function rebind(progress: Progress, refusals: number, exclusions: readonly Exclusion[]): Decision {
  const excluded = [...progress.excluded];
  for (const exclusion of exclusions) {
    if (!excluded.some((entry) => entry.model === exclusion.model)) excluded.push(exclusion);
  }
  return { kind: "rebind", progress: { ...progress, excluded, refusals, reroutes: progress.reroutes + 1 } };
}
