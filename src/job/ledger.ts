// What was spent, on what, by whom: one entry per call, answered or not. Follows from a job's trail.

import type { JobTerms, RowId } from "./job.ts";
import { splitModelId } from "./names.ts";
import type { TrailEntry } from "./trail.ts";

export interface LedgerEntry extends RowId, Pick<JobTerms, "tags" | "tenant"> {
  /** Call id: an entry's identity. An exact entry replaces an uncertain one of the same call. */
  readonly call: string;
  /** Unix milliseconds at which the call began. */
  readonly at: number;
  readonly task: string;
  readonly provider: string;
  readonly model: TrailEntry["model"];
  /** Which call of its job it is, from 1. */
  readonly attempt: number;
  readonly purpose: TrailEntry["purpose"];
  readonly outcome: TrailEntry["outcome"];
  /** Paid beside the calls that led to the row's recorded result: a process was cut off or overtaken. */
  readonly isDuplicate: boolean;
  readonly latencyMs: number;
  readonly usage: TrailEntry["usage"];
  /** By which the cost was reckoned; absent: the model had none, and the cost is zero. */
  readonly price?: TrailEntry["price"];
  readonly costNanoUsd: number;
  /** Usage and cost are estimates: the call is uncertain, or the vendor answered and didn't say what it took. */
  readonly isEstimated: boolean;
}

/**
 * Two accounts of one call, in the order they were written: an exact entry replaces an uncertain one, else the first stays. It is a duplicate only
 * if it stands in no recorded result; one that stands there as uncertain was asked again, so that the exact account of it came to nothing.
 */
export function mergeLedgerEntries(first: LedgerEntry, second: LedgerEntry): LedgerEntry {
  const [isFirstExact, isSecondExact] = [first.outcome !== "uncertain", second.outcome !== "uncertain"];
  if (isFirstExact !== isSecondExact) return isFirstExact ? first : second;
  return { ...first, isDuplicate: first.isDuplicate && second.isDuplicate };
}

/** The entries of a job's trail. `isDuplicate`: of a second result for a row, which was refused. */
export function ledgerEntries(
  {
    batch,
    row,
    task,
    tags,
    tenant,
    trail,
  }: RowId & Pick<JobTerms, "tags" | "tenant"> & { readonly task: string; readonly trail: readonly TrailEntry[] },
  isDuplicate: boolean,
): readonly LedgerEntry[] {
  return trail.map((entry, i) => ({
    call: entry.call,
    at: entry.startedAt,
    batch,
    row,
    task,
    ...(tags === undefined ? {} : { tags }),
    ...(tenant === undefined ? {} : { tenant }),
    provider: splitModelId(entry.model).provider,
    model: entry.model,
    attempt: i + 1,
    purpose: entry.purpose,
    outcome: entry.outcome,
    isDuplicate,
    latencyMs: entry.latencyMs,
    usage: entry.usage,
    ...(entry.price === undefined ? {} : { price: entry.price }),
    costNanoUsd: entry.costNanoUsd,
    isEstimated: entry.outcome === "uncertain" || entry.isEstimated === true,
  }));
}
