// Keeps a pilot's spending under its cap: rows are given to all models in slices, and the next slice is only as large as what the rows so far have cost
// lets one expect to be affordable. So a pilot that must stop has asked every model the same rows, and little is in flight that could overshoot.
//
// first slice (small) ─▶ all models have answered it ─▶ next slice: half of what is affordable, or all the rest if that is ─▶ … ─▶ not one row more: stopped

import type { BatchStatus } from "../src/job/batch.ts";
import { StoppedError } from "../src/job/errors.ts";

export interface PilotPace {
  /** Resolves when the row may be given to its model. @throws StoppedError when it won't be: the money is spent, or `signal` aborted. */
  admit(row: number): Promise<void>;
  /** What a batch has come to. */
  note(status: Pick<BatchStatus, "batch" | "stored" | "costNanoUsd">): void;
  /** Aborted when not one more row can be afforded. */
  readonly spent: AbortSignal;
}

export interface PilotPaceOptions {
  /** Those that are to be kept in step. */
  readonly batches: readonly string[];
  /** Of each batch. */
  readonly rows: number;
  /** What these batches may cost together, earlier runs of theirs included. */
  readonly maxCostNanoUsd: number;
  /** Of one row in all batches: what the first slice goes by. */
  readonly estimateNanoUsd: number;
  readonly signal: AbortSignal;
}

const FIRST_SLICE_ROWS = 8;
/** Of the money, by an estimate that may be far off. */
const FIRST_SLICE_SHARE = 0.25;
const NEXT_SLICE_SHARE = 0.5;

export function createPilotPace({ batches, rows, maxCostNanoUsd, estimateNanoUsd, signal }: PilotPaceOptions): PilotPace {
  const seen = new Map<string, { readonly stored: number; readonly costNanoUsd: number }>();
  const spent = new AbortController();
  const either = AbortSignal.any([signal, spent.signal]);
  const affordable = Math.floor((FIRST_SLICE_SHARE * maxCostNanoUsd) / Math.max(1, estimateNanoUsd));
  /** Rows below this may be given. */
  let limit = Math.min(rows, Math.max(1, Math.min(FIRST_SLICE_ROWS, affordable)));
  let waiting: (() => void)[] = [];
  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  either.addEventListener("abort", wake, { once: true });

  const widen = () => {
    if (limit >= rows || seen.size < batches.length) return;
    const all = [...seen.values()];
    const answeredRows = Math.min(...all.map(({ stored }) => stored));
    if (answeredRows < limit) return;
    const costNanoUsd = all.reduce((sum, each) => sum + each.costNanoUsd, 0);
    const more = Math.floor((maxCostNanoUsd - costNanoUsd) / Math.max(1, costNanoUsd / answeredRows));
    if (more < 1) return spent.abort();
    const left = rows - answeredRows;
    const slice = more * NEXT_SLICE_SHARE >= left ? left : Math.max(1, Math.floor(more * NEXT_SLICE_SHARE));
    limit = Math.min(rows, answeredRows + slice);
    wake();
  };

  return {
    spent: spent.signal,
    async admit(row) {
      while (row >= limit && !either.aborted) await new Promise<void>((resolve) => waiting.push(resolve));
      if (either.aborted) throw new StoppedError("no more rows are given");
    },
    note({ batch, stored, costNanoUsd }) {
      seen.set(batch, { stored, costNanoUsd });
      widen();
    },
  };
}
