// What a batch came to, as data: fed with its results and its ledger one by one, it keeps sums only. What was spent is what the ledger says: earlier rounds and calls that
// were made twice stand in no result.

import type { LedgerEntry } from "../job/ledger.ts";
import type { ModelId } from "../job/names.ts";
import type { ErrorCode, Result } from "../job/result.ts";
import { addUsage, NO_USAGE, type Usage } from "../job/usage.ts";
import { exactSum } from "./exact-sum.ts";
import { addLatency, createLatencyHistogram, latencyQuantile } from "./latency-histogram.ts";

export interface ModelSummary {
  readonly model: ModelId;
  readonly calls: number;
  readonly answered: number;
  /** Refused by the vendor for the time being (429); counted in `failed` too. */
  readonly throttled: number;
  /** Calls that ended in anything but an answer. */
  readonly failed: number;
  readonly usage: Usage;
  readonly costNanoUsd: number;
  /** Of the calls that were answered. */
  readonly p50LatencyMs: number | undefined;
  readonly p95LatencyMs: number | undefined;
}

export interface Summary {
  readonly rows: number;
  readonly answered: number;
  readonly failed: number;
  /** Most frequent first. */
  readonly errors: readonly { readonly code: ErrorCode; readonly rows: number }[];
  /** Rows that were moved to another model or step. */
  readonly rerouted: number;
  readonly calls: number;
  /** Calls cut off with their process: paid perhaps, and asked again. Their usage and cost are estimates. */
  readonly uncertainCalls: number;
  readonly usage: Usage;
  readonly costNanoUsd: number;
  /** Part of the cost: of calls that were cut off, and of those whose vendor didn't say what they took. */
  readonly estimatedNanoUsd: number;
  /** From the first row's enqueueing to the last result; 0 without rows. */
  readonly wallMs: number;
  /** Dearest first. */
  readonly models: readonly ModelSummary[];
  /** Where answers were compared with what was expected. */
  readonly accuracy: { readonly checked: number; readonly right: number } | undefined;
}

export interface SummaryBuilder {
  /** Once for each row. */
  add(result: Result): void;
  /** Once for each call. */
  addCall(entry: LedgerEntry): void;
  /** What was added so far. */
  read(): Summary;
}

/** `expect` says if a result is right; `undefined` where that isn't known. Rows without an answer are asked about too. */
export function createSummary(options: { expect?: (result: Result) => boolean | undefined } = {}): SummaryBuilder {
  const errors = new Map<ErrorCode, number>();
  const models = new Map<ModelId, ModelTally>();
  let rows = 0;
  let answered = 0;
  let rerouted = 0;
  let uncertainCalls = 0;
  let estimatedNanoUsd = 0;
  let checked = 0;
  let right = 0;
  let startedAt = Infinity;
  let finishedAt = -Infinity;

  return {
    add(result) {
      rows++;
      if (result.status === "answered") answered++;
      else errors.set(result.error.code, (errors.get(result.error.code) ?? 0) + 1);
      if (result.reroutes > 0) rerouted++;
      startedAt = Math.min(startedAt, result.enqueuedAt);
      finishedAt = Math.max(finishedAt, result.finishedAt);
      const isRight = options.expect?.(result);
      if (isRight !== undefined) checked++;
      if (isRight === true) right++;
    },
    addCall(entry) {
      if (entry.outcome === "uncertain") uncertainCalls++;
      if (entry.isEstimated) estimatedNanoUsd = exactSum(estimatedNanoUsd + entry.costNanoUsd);
      const tally = models.get(entry.model) ?? createModelTally(entry.model);
      models.set(entry.model, tally);
      tally.add(entry);
    },
    read() {
      const summaries = [...models.values()]
        .map((tally) => tally.summary())
        .toSorted((a, b) => b.costNanoUsd - a.costNanoUsd || b.calls - a.calls);
      return {
        rows,
        answered,
        failed: rows - answered,
        errors: [...errors].map(([code, count]) => ({ code, rows: count })).toSorted((a, b) => b.rows - a.rows),
        rerouted,
        calls: summaries.reduce((sum, model) => sum + model.calls, 0),
        uncertainCalls,
        usage: summaries.reduce((sum, model) => addUsage(sum, model.usage), NO_USAGE),
        costNanoUsd: summaries.reduce((sum, model) => exactSum(sum + model.costNanoUsd), 0),
        estimatedNanoUsd,
        wallMs: rows === 0 ? 0 : Math.max(0, finishedAt - startedAt),
        models: summaries,
        accuracy: options.expect ? { checked, right } : undefined,
      };
    },
  };
}

interface ModelTally {
  add(entry: LedgerEntry): void;
  summary(): ModelSummary;
}

function createModelTally(model: ModelId): ModelTally {
  const latencies = createLatencyHistogram();
  let calls = 0;
  let answered = 0;
  let throttled = 0;
  let usage = NO_USAGE;
  let costNanoUsd = 0;
  return {
    add(entry) {
      calls++;
      usage = addUsage(usage, entry.usage);
      costNanoUsd = exactSum(costNanoUsd + entry.costNanoUsd);
      if (entry.outcome === "throttled") throttled++;
      if (entry.outcome !== "answered") return;
      answered++;
      addLatency(latencies, entry.latencyMs);
    },
    summary: () => ({
      model,
      calls,
      answered,
      throttled,
      failed: calls - answered,
      usage,
      costNanoUsd,
      p50LatencyMs: latencyQuantile(latencies, 0.5),
      p95LatencyMs: latencyQuantile(latencies, 0.95),
    }),
  };
}
