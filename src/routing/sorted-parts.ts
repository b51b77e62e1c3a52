// What the outcomes of a step's parts come to, sorted by what they mean for the job.

import type { OnFail } from "../job/check-spec.ts";
import type { ModelId } from "../job/names.ts";
import type { Answer, Outcome } from "../job/outcome.ts";
import type { Exclusion } from "../job/progress.ts";
import type { ResultError } from "../job/result.ts";

/** How one part of a step ended. */
export interface Part {
  readonly model: ModelId;
  readonly outcome: Outcome;
}

export interface FailedCheck {
  readonly model: ModelId;
  readonly answer: Answer;
  readonly reason: string;
  readonly onFail: OnFail;
}

type EndingCode = "cancelled" | "expired" | "invalid";
const ENDING_RANK: Readonly<Record<EndingCode, number>> = { cancelled: 0, expired: 1, invalid: 2 };

export interface SortedParts {
  /** What ends the job, the weightiest first. */
  readonly endings: readonly (ResultError & { readonly code: EndingCode })[];
  readonly refused: readonly { readonly model: ModelId; readonly reason: string }[];
  readonly exclusions: readonly Exclusion[];
  /** Among the exclusions too. */
  readonly failedChecks: readonly FailedCheck[];
  readonly answers: readonly { readonly model: ModelId; readonly answer: Answer }[];
}

export function sortParts(parts: readonly Part[]): SortedParts {
  const endings: (ResultError & { readonly code: EndingCode })[] = [];
  const refused: { readonly model: ModelId; readonly reason: string }[] = [];
  const exclusions: Exclusion[] = [];
  const failedChecks: FailedCheck[] = [];
  const answers: { readonly model: ModelId; readonly answer: Answer }[] = [];
  for (const { model, outcome } of parts) {
    switch (outcome.kind) {
      case "answered":
        answers.push({ model, answer: outcome.answer });
        break;
      case "transient":
        exclusions.push({ model, cause: "transient", reason: outcome.reason });
        break;
      case "unfit":
        exclusions.push({ model, cause: outcome.cause, reason: outcome.reason });
        if (outcome.cause === "check") {
          const { answer, reason, onFail } = outcome;
          failedChecks.push({ model, answer, reason, onFail });
        }
        break;
      case "refused":
        refused.push({ model, reason: `${model} refused: ${outcome.reason}` });
        exclusions.push({ model, cause: "refused", reason: outcome.reason });
        break;
      case "throttled":
      case "unavailable":
        // Nothing was learned of the model's fitness: the breaker or the limiter keeps it away for as long as need be.
        break;
      case "invalid":
      case "expired":
      case "cancelled":
        endings.push({ code: outcome.kind, message: outcome.reason });
        break;
      default:
        outcome satisfies never;
    }
  }
  return { endings: endings.toSorted((a, b) => ENDING_RANK[a.code] - ENDING_RANK[b.code]), refused, exclusions, failedChecks, answers };
}
