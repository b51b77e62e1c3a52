// The figures of one group, or of all together: sums of whole numbers, and what follows from them.

import type { LedgerEntry } from "../job/ledger.ts";
import type { Result } from "../job/result.ts";
import type { TrailEntry } from "../job/trail.ts";
import { addUsage, NO_USAGE, type Usage } from "../job/usage.ts";
import { createLatencyHistogram } from "./latency-histogram.ts";
import { isForAnswer, ledgerUse, USES, type LedgerUse, type Use } from "./spending.ts";

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
  /** Calls of models without a price: booked at nothing. */
  readonly unpricedCalls: number;
  /** Adds up to `calls` and `costNanoUsd`. */
  readonly spent: Readonly<Record<Use, Spent>>;
  /** All that was spent, by the jobs answered, rounded; undefined where none was. */
  readonly costPerAnsweredNanoUsd: number | undefined;
  /** Answers that came, and those of them that passed the task's checks. An answer that was cut off passed none. */
  readonly checks: { readonly answers: number; readonly passed: number };
  /** Of the calls that were answered. Whole milliseconds, within 2.5 %. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  /** The answered jobs at another model's price, and what is saved against it (less than nothing: it is dearer); see `Baseline`. */
  readonly baseline: { readonly costNanoUsd: number; readonly savedNanoUsd: number } | undefined;
}

export interface FiguresTally {
  addCall(entry: LedgerEntry): void;
  /** Calls of a recorded result, of which the ledger tells too. */
  addUseful(use: "answers" | "agreement", entry: TrailEntry): void;
  /** `baselineCostNanoUsd`: of an answered job, where there is a baseline. */
  addJob(result: Result, baselineCostNanoUsd?: number): void;
  read(): Figures;
}

interface Sum {
  calls: number;
  costNanoUsd: number;
}

export function createFiguresTally({ hasBaseline }: { readonly hasBaseline: boolean }): FiguresTally {
  const latencies = createLatencyHistogram();
  const ledger: Record<LedgerUse, Sum> = {
    asking: nothing(),
    judging: nothing(),
    repairs: nothing(),
    analysis: nothing(),
    duplicates: nothing(),
    uncertain: nothing(),
  };
  const useful = { answers: nothing(), agreement: nothing() };
  const checks = { answers: 0, passed: 0 };
  let usage = NO_USAGE;
  let unpricedCalls = 0;
  let jobs = 0;
  let answered = 0;
  let reroutes = 0;
  let baselineCostNanoUsd = 0;

  return {
    addCall(entry) {
      add(ledger[ledgerUse(entry)], entry);
      usage = addUsage(usage, entry.usage);
      if (entry.price === undefined) unpricedCalls++;
      if (entry.outcome === "answered") latencies.add(entry.latencyMs);
      // An answer that failed its checks has output; a request that the model couldn't take has none.
      const isAnswer = entry.outcome === "answered" || (entry.outcome === "unfit" && entry.usage.outputTokens > 0);
      if (!isAnswer || !isForAnswer(entry)) return;
      checks.answers++;
      if (entry.outcome === "answered") checks.passed++;
    },
    addUseful: (use, entry) => add(useful[use], entry),
    addJob(result, baseline = 0) {
      jobs++;
      if (result.status === "answered") answered++;
      reroutes += result.reroutes;
      baselineCostNanoUsd = exact(baselineCostNanoUsd + baseline);
    },
    read() {
      const { asking, ...others } = ledger;
      const failures = {
        calls: asking.calls - useful.answers.calls - useful.agreement.calls,
        costNanoUsd: asking.costNanoUsd - useful.answers.costNanoUsd - useful.agreement.costNanoUsd,
      };
      const spent = { answers: { ...useful.answers }, agreement: { ...useful.agreement }, failures, ...copied(others) };
      const costNanoUsd = exact(USES.reduce((sum, use) => sum + spent[use].costNanoUsd, 0));
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((fraction) => latencies.quantile(fraction));
      return {
        jobs,
        answered,
        failed: jobs - answered,
        reroutes,
        calls: USES.reduce((sum, use) => sum + spent[use].calls, 0),
        usage,
        costNanoUsd,
        unpricedCalls,
        spent,
        costPerAnsweredNanoUsd: answered === 0 ? undefined : Math.round(costNanoUsd / answered),
        checks: { ...checks },
        latencyMs: p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 },
        baseline: hasBaseline ? { costNanoUsd: baselineCostNanoUsd, savedNanoUsd: baselineCostNanoUsd - costNanoUsd } : undefined,
      };
    },
  };
}

/** What led to no result: failures, duplicates, and calls that were cut off. */
export function wastedNanoUsd({ spent }: Figures): number {
  return spent.failures.costNanoUsd + spent.duplicates.costNanoUsd + spent.uncertain.costNanoUsd;
}

function nothing(): Sum {
  return { calls: 0, costNanoUsd: 0 };
}

function add(sum: Sum, { costNanoUsd }: { readonly costNanoUsd: number }): void {
  sum.calls++;
  sum.costNanoUsd = exact(sum.costNanoUsd + costNanoUsd);
}

function copied<Key extends string>(sums: Readonly<Record<Key, Sum>>): Record<Key, Spent> {
  return Object.fromEntries(Object.entries<Sum>(sums).map(([use, sum]) => [use, { ...sum }])) as Record<Key, Spent>;
}

/** @throws RangeError above nine million dollars, where nano-dollars can no longer be counted one by one. */
function exact(nanoUsd: number): number {
  if (!Number.isSafeInteger(nanoUsd))
    throw new RangeError(`${nanoUsd} nano-dollars can't be counted exactly: report fewer batches at once`);
  return nanoUsd;
}
