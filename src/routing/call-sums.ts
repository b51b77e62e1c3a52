// What the calls of one task to one model have come to, as faded sums. Old calls count less in two ways: each new one takes a five-hundredth off the weight
// of those before it, and all of them lose half of it in six hours, so that an outage of last night is forgotten even where nobody called since.

import type { Outcome } from "../job/outcome.ts";
import type { Usage } from "../job/usage.ts";
import type { ModelStats } from "./model-stats.ts";
import { bucketOf, quantile, type Histogram } from "./latency-histogram.ts";

export interface CallSums {
  /** Faded number of calls that say something of the model, of those among them that brought an answer, and of answers that passed their checks. */
  readonly calls: number;
  readonly answers: number;
  readonly passed: number;
  /** Sums over the answers. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  readonly latencies: Histogram;
}

/** One call, as a pool saw it end. */
export interface CallSeen {
  readonly outcome: Outcome;
  /** Absent: as the outcome has it. */
  readonly isCheckPassed?: boolean;
  readonly latencyMs: number;
  readonly usage: Pick<Usage, "inputTokens" | "outputTokens">;
  readonly costNanoUsd: number;
}

export const NO_CALLS: CallSums = {
  calls: 0,
  answers: 0,
  passed: 0,
  inputTokens: 0,
  outputTokens: 0,
  costNanoUsd: 0,
  latencies: new Map(),
};
/** So much do calls weigh together at most. */
export const MOST_WEIGHT = 500;
export const HALF_LIFE_MS = 6 * 3_600_000;
/** With less of an answer left than this, there is no telling a median. */
const LEAST_ANSWERS = 0.01;

/** What one call adds. Undefined: it says nothing of how the model does this work (cancelled, throttled, a row that it may not or can't take). */
export function sumsOf({ outcome, isCheckPassed, latencyMs, usage, costNanoUsd }: CallSeen): CallSums | undefined {
  switch (outcome.kind) {
    case "answered":
      return answered(isCheckPassed ?? true);
    case "unfit":
      if (outcome.cause === "check") return answered(isCheckPassed ?? false);
      return outcome.cause === "cut-off" ? FAILED : undefined;
    case "refused":
    case "transient":
    case "unavailable":
      return FAILED;
    case "throttled":
    case "invalid":
    case "expired":
    case "cancelled":
      return undefined;
    default:
      return outcome satisfies never;
  }

  function answered(isPassed: boolean): CallSums {
    return {
      calls: 1,
      answers: 1,
      passed: isPassed ? 1 : 0,
      inputTokens: countOf(usage.inputTokens),
      outputTokens: countOf(usage.outputTokens),
      costNanoUsd: countOf(costNanoUsd),
      latencies: new Map([[bucketOf(latencyMs), 1]]),
    };
  }
}

const FAILED: CallSums = { ...NO_CALLS, calls: 1 };

/** Older and newer calls together (stats-script.ts has the same rule). */
export function foldCalls(older: CallSums, newer: CallSums): CallSums {
  return addCalls(fade(older, Math.max(0, 1 - newer.calls / MOST_WEIGHT)), fade(newer, Math.min(1, MOST_WEIGHT / newer.calls)));
}

/** Without fading: for calls that belong together. */
export function addCalls(a: CallSums, b: CallSums): CallSums {
  const latencies = new Map(a.latencies);
  for (const [bucket, count] of b.latencies) latencies.set(bucket, (latencies.get(bucket) ?? 0) + count);
  return {
    calls: a.calls + b.calls,
    answers: a.answers + b.answers,
    passed: a.passed + b.passed,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    costNanoUsd: a.costNanoUsd + b.costNanoUsd,
    latencies,
  };
}

/** What is left of the calls when `share` of their weight is. */
export function fade(sums: CallSums, share: number): CallSums {
  if (share >= 1) return sums;
  if (share <= 0) return NO_CALLS;
  return {
    calls: sums.calls * share,
    answers: sums.answers * share,
    passed: sums.passed * share,
    inputTokens: sums.inputTokens * share,
    outputTokens: sums.outputTokens * share,
    costNanoUsd: sums.costNanoUsd * share,
    latencies: new Map(Array.from(sums.latencies, ([bucket, count]) => [bucket, count * share])),
  };
}

/** The share that is left of a call's weight after that time. */
export function shareLeft(elapsedMs: number): number {
  return 2 ** (-Math.max(0, elapsedMs) / HALF_LIFE_MS);
}

export function toStats({ calls, answers, passed, inputTokens, outputTokens, costNanoUsd, latencies }: CallSums): ModelStats {
  const rates = { calls, answerRate: calls > 0 ? answers / calls : 1, passRate: answers > 0 ? passed / answers : 1 };
  if (answers < LEAST_ANSWERS || latencies.size === 0) return rates;
  return {
    ...rates,
    p50Ms: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
    inputTokens: inputTokens / answers,
    outputTokens: outputTokens / answers,
    costNanoUsd: costNanoUsd / answers,
  };
}

/** Vendors say odd things. */
function countOf(value: number): number {
  return value > 0 && Number.isFinite(value) ? value : 0;
}
