// Drift: has a model fallen off from what the pilot saw? Shares of answers that passed their checks, and of agreements, held against the pilot's.
//
// A fall counts when it is both significant and worth the name: the one-sided two-proportion z-test (pooled) at 3.1, which chance passes once in a thousand looks, and
// two points at least. Live figures fade (call-sums.ts), so that what counts is the last few hundred calls. A model that has fallen is held to have recovered
// only when the test falls below 2: it doesn't flap.

import type { ModelId } from "../job/names.ts";
import type { DriftSpec } from "../job/task.ts";
import type { ModelStats } from "./model-stats.ts";

/** The agreement of several models is kept in the statistics under their ids joined: it is known where the first of them is. */
export function agreementId(models: readonly ModelId[]): ModelId {
  return models.join("+") as ModelId;
}

export interface Fall {
  readonly of: "checks" | "agreement";
  /** A model, or the models of a step joined by `+`. */
  readonly subject: ModelId;
  readonly before: number;
  readonly now: number;
  /** Answers that the present rate rests on, faded. */
  readonly seen: number;
}

const SIGNIFICANT = 3.1;
const RECOVERED = 2;
const LEAST_FALL = 0.02;
const LEAST_SEEN = 30;

/** `wasFallen`: whether the subject was found fallen at the last look. */
export function findFalls(
  { passRates, agreements }: DriftSpec,
  statsOf: (subject: ModelId) => ModelStats,
  wasFallen: (subject: ModelId) => boolean,
): readonly Fall[] {
  const look = (of: Fall["of"], baselines: DriftSpec["passRates"] | DriftSpec["agreements"]) =>
    Object.entries(baselines).flatMap(([key, before]): readonly Fall[] => {
      const subject = key as ModelId;
      const { calls, answerRate, passRate } = statsOf(subject);
      const now = { rate: passRate, of: calls * answerRate };
      return hasFallen(before, now, wasFallen(subject)) ? [{ of, subject, before: before.rate, now: now.rate, seen: now.of }] : [];
    });
  return [...look("checks", passRates), ...look("agreement", agreements)];
}

interface Share {
  readonly rate: number;
  readonly of: number;
}

export function hasFallen(before: Share, now: Share, wasFallen = false): boolean {
  if (now.of < LEAST_SEEN || before.rate - now.rate < LEAST_FALL) return false;
  const pooled = (before.rate * before.of + now.rate * now.of) / (before.of + now.of);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / before.of + 1 / now.of));
  return before.rate - now.rate > (wasFallen ? RECOVERED : SIGNIFICANT) * deviation;
}
