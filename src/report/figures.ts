// The figures of one group, or of all together: sums of whole numbers, and what follows from them. The sums are plain data, for a report may keep a hundred thousand of them.

import type { LedgerEntry } from "../job/ledger.ts";
import type { Result } from "../job/result.ts";
import { isForAnswer } from "../job/result-answer.ts";
import { addUsage, NO_USAGE, type Usage } from "../job/usage.ts";
import { exactSum } from "./exact-sum.ts";
import { addLatency, createLatencyHistogram, latencyQuantile, type LatencyHistogram } from "./latency-histogram.ts";
import { MONEY_USES, type MoneyUse } from "./money-uses.ts";

export interface Spent {
  readonly calls: number;
  readonly costNanoUsd: number;
}

export interface Figures {
  /** Rows with a result. */
  readonly jobs: number;
  readonly answered: number;
  readonly failed: number;
  /** How often jobs were moved to another model or step. */
  readonly reroutes: number;
  readonly calls: number;
  readonly usage: Usage;
  readonly costNanoUsd: number;
  /** Calls that took tokens of a model without a price: booked at nothing. */
  readonly unpricedCalls: number;
  /** Part of all calls and of their cost: booked at estimates, for the vendor didn't tell what they took, or its answer never arrived. */
  readonly estimated: Spent;
  /** Adds up to `calls` and `costNanoUsd`. */
  readonly spent: Readonly<Record<MoneyUse, Spent>>;
  /** All that was spent, by the jobs answered, rounded; undefined where none was. */
  readonly costPerAnsweredNanoUsd: number | undefined;
  /** Answers that came, and those of them that passed the task's checks. An answer that was cut off passed none. */
  readonly checks: { readonly answers: number; readonly passed: number };
  /** Of the calls that were answered. Whole milliseconds, within 2.5 %. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  /**
   * The answered jobs at another model's price, and what is saved against it (less than nothing: it is dearer); see `Baseline`. Where results of answered jobs are gone and
   * their calls are not, what is saved isn't known.
   */
  readonly baseline: { readonly costNanoUsd: number; readonly savedNanoUsd: number | undefined } | undefined;
}

interface Sum {
  calls: number;
  costNanoUsd: number;
}

/** What figures are made of. Uses, usage and latencies that nothing was counted of take no room. */
export interface FigureSums {
  jobs: number;
  answered: number;
  reroutes: number;
  usage: Usage;
  unpricedCalls: number;
  estimatedCalls: number;
  estimatedNanoUsd: number;
  answersThatCame: number;
  passed: number;
  baselineNanoUsd: number;
  /** Calls that answered rows without a result. */
  answersWithoutResult: number;
  readonly spent: Partial<Record<MoneyUse, Sum>>;
  latencies: LatencyHistogram | undefined;
}

export function createFigureSums(): FigureSums {
  return {
    jobs: 0,
    answered: 0,
    reroutes: 0,
    usage: NO_USAGE,
    unpricedCalls: 0,
    estimatedCalls: 0,
    estimatedNanoUsd: 0,
    answersThatCame: 0,
    passed: 0,
    baselineNanoUsd: 0,
    answersWithoutResult: 0,
    spent: {},
    latencies: undefined,
  };
}

/** `hasResult`: its row has one. */
export function addCall(sums: FigureSums, entry: LedgerEntry, use: MoneyUse, hasResult: boolean): void {
  const sum = (sums.spent[use] ??= { calls: 0, costNanoUsd: 0 });
  sum.calls++;
  sum.costNanoUsd = exactSum(sum.costNanoUsd + entry.costNanoUsd);
  sums.usage = addUsage(sums.usage, entry.usage);
  const { inputTokens, outputTokens } = entry.usage;
  if (entry.price === undefined && entry.costNanoUsd === 0 && inputTokens + outputTokens > 0) sums.unpricedCalls++;
  if (entry.isEstimated) {
    sums.estimatedCalls++;
    sums.estimatedNanoUsd = exactSum(sums.estimatedNanoUsd + entry.costNanoUsd);
  }
  if (entry.outcome === "answered") addLatency((sums.latencies ??= createLatencyHistogram()), entry.latencyMs);
  // An answer that failed its checks has output; a request that the model couldn't take has none.
  const isAnswer = entry.outcome === "answered" || (entry.outcome === "unfit" && outputTokens > 0);
  if (!isAnswer || !isForAnswer(entry)) return;
  sums.answersThatCame++;
  if (entry.outcome !== "answered") return;
  sums.passed++;
  if (!hasResult && use !== "duplicates") sums.answersWithoutResult++;
}

/** `baselineNanoUsd`: of an answered job, where there is a baseline. */
export function addJob(sums: FigureSums, result: Result, baselineNanoUsd = 0): void {
  sums.jobs++;
  if (result.status === "answered") sums.answered++;
  sums.reroutes += result.reroutes;
  sums.baselineNanoUsd = exactSum(sums.baselineNanoUsd + baselineNanoUsd);
}

const NOTHING_SPENT: Spent = { calls: 0, costNanoUsd: 0 };

export function figuresOf(sums: FigureSums, { hasBaseline }: { readonly hasBaseline: boolean }): Figures {
  const { jobs, answered, latencies, baselineNanoUsd, answersWithoutResult } = sums;
  const spent = Object.fromEntries(MONEY_USES.map((use) => [use, sums.spent[use] ?? NOTHING_SPENT])) as Record<MoneyUse, Spent>;
  const costNanoUsd = exactSum(MONEY_USES.reduce((sum, use) => sum + spent[use].costNanoUsd, 0));
  const quantile = (fraction: number) => (latencies && latencyQuantile(latencies, fraction)) ?? 0;
  return {
    jobs,
    answered,
    failed: jobs - answered,
    reroutes: sums.reroutes,
    calls: MONEY_USES.reduce((sum, use) => sum + spent[use].calls, 0),
    usage: sums.usage,
    costNanoUsd,
    unpricedCalls: sums.unpricedCalls,
    estimated: { calls: sums.estimatedCalls, costNanoUsd: sums.estimatedNanoUsd },
    spent,
    costPerAnsweredNanoUsd: answered === 0 ? undefined : Math.round(costNanoUsd / answered),
    checks: { answers: sums.answersThatCame, passed: sums.passed },
    latencyMs: latencies && { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) },
    baseline: hasBaseline
      ? { costNanoUsd: baselineNanoUsd, savedNanoUsd: answersWithoutResult > 0 ? undefined : baselineNanoUsd - costNanoUsd }
      : undefined,
  };
}

/** What led to no result: failures, duplicates, and calls that were cut off. */
export function wastedNanoUsd({ spent }: Figures): number {
  return spent.failures.costNanoUsd + spent.duplicates.costNanoUsd + spent.uncertain.costNanoUsd;
}
