// A job's calls in order. Each entry is one call and becomes one ledger entry.

import type { Price } from "./model.ts";
import type { ModelId } from "./names.ts";
import type { OutcomeKind } from "./outcome.ts";
import { addUsage, NO_USAGE, type Usage } from "./usage.ts";

export type Purpose = "answer" | "judge" | "agree" | "repair" | "analyse";

export interface TrailEntry {
  /** Call id and the name of its permit; unique over the row's life. */
  readonly call: string;
  readonly model: ModelId;
  readonly purpose: Purpose;
  /**
   * `uncertain`: the call was cut off, by the end of its process or on the way, and its answer never arrived; usage and cost are estimates.
   */
  readonly outcome: OutcomeKind | "uncertain";
  readonly reason?: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly latencyMs: number;
  readonly usage: Usage;
  /** Our own count of the request, before the vendor's: what both were tells a plan how the vendor counts. */
  readonly estimatedInputTokens?: number;
  /** By which the cost was reckoned; absent: the model has none. */
  readonly price?: Price;
  readonly costNanoUsd: number;
  /** The vendor answered and didn't say what it took: usage and cost are estimates. (Those of `uncertain` calls always are.) */
  readonly isEstimated?: true;
  /** The vendor's id of the request, for its support. */
  readonly requestId?: string;
}

/** Calls that the vendor was really asked (a limiter's own refusal or an open breaker leaves no entry). */
export function totalUsage(trail: readonly TrailEntry[]): Usage {
  return trail.reduce((sum, entry) => addUsage(sum, entry.usage), NO_USAGE);
}

export function totalCostNanoUsd(trail: readonly Pick<TrailEntry, "costNanoUsd">[]): number {
  return trail.reduce((sum, entry) => sum + entry.costNanoUsd, 0);
}
