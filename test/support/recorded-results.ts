// Results as pools would record them, and what a store must then hold: reckoned from how the rows are made, not from the entries.

import type { Result } from "../../src/job/result.ts";
import type { TrailEntry } from "../../src/job/trail.ts";

const STARTED_AT = 1_763_900_000_000;
const COST_NANO_USD = 77_500;
const MODEL = "openai/gpt-5-mini";

/** Every so many rows one that was called twice, one that a second worker answered too, and one of whose calls the usage came late. */
const EVERY = { retried: 10, repeated: 50, late: 100 } as const;

/** In the order of recording. A second result for a row is refused: its calls count all the same. */
export function resultsOf(batch: string, row: number): readonly Result[] {
  const first = row % EVERY.retried === 0 ? [call(batch, row, 1, { outcome: "transient" })] : [];
  const isLate = row % EVERY.late === 13;
  const last = call(batch, row, 2, isLate ? { outcome: "uncertain", costNanoUsd: 999_999 } : {});
  return [
    answered(batch, row, [...first, last]),
    ...(row % EVERY.repeated === 7 ? [answered(batch, row, [...first, last, call(batch, row, 3)])] : []),
    ...(isLate ? [answered(batch, row, [...first, call(batch, row, 2)])] : []),
  ];
}

export function expectedLedger(rows: number): { readonly calls: number; readonly duplicates: number; readonly costNanoUsd: number } {
  const every = (n: number, from: number) => Math.max(0, Math.ceil((rows - from) / n));
  const repeated = every(EVERY.repeated, 7);
  const calls = rows + every(EVERY.retried, 0) + repeated;
  return { calls, duplicates: repeated + every(EVERY.late, 13), costNanoUsd: calls * COST_NANO_USD };
}

function call(batch: string, row: number, n: number, changes: Partial<TrailEntry> = {}): TrailEntry {
  return {
    call: `${batch}.${row}.0.0.${n}~k3x9`,
    model: MODEL,
    purpose: "answer",
    outcome: "answered",
    startedAt: STARTED_AT + row,
    latencyMs: 400 + (row % 300),
    usage: { inputTokens: 150, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 20, reasoningTokens: 0 },
    price: { input: 250_000, output: 2_000_000, cachedInput: 25_000, cacheWrite: 250_000 },
    costNanoUsd: COST_NANO_USD,
    ...changes,
  };
}

function answered(batch: string, row: number, trail: readonly TrailEntry[]): Result {
  const at = STARTED_AT + row;
  const text = `Ticket ${row} asks why an invoice was charged twice in the same month`;
  return {
    batch,
    row,
    task: "ask",
    round: 0,
    hop: 1,
    id: `T-${row}`,
    line: row + 1,
    tags: { team: `t${row % 5}` },
    trail,
    reroutes: 0,
    enqueuedAt: at,
    finishedAt: at + 900,
    status: "answered",
    model: MODEL,
    answer: { text, finish: { unified: "stop", raw: "stop" } },
  };
}
