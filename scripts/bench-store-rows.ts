// What the store's bench writes: a batch as a recorder would bring it, with what makes a ledger difficult, and what the store must then hold.

import type { LedgerEntry } from "../src/job/ledger.ts";
import type { Result } from "../src/job/result.ts";
import type { TrailEntry } from "../src/job/trail.ts";
import type { StoredResult } from "../src/results/store.ts";

/** As the recorder reads them. */
export const APPEND_ENTRIES = 1_000;
const STARTED_AT = 1_763_900_000_000;
const PRICE = { input: 250_000, output: 2_000_000, cachedInput: 25_000, cacheWrite: 250_000 };

/**
 * `rows` rows in the order of their stream. Every 10th was asked twice; of every 50th a second result was refused, with a call more; of every 100th a call was cut off, and its
 * exact usage came with a refused result; every 200th failed first, and was retried.
 */
export function* batchEntries(batch: string, rows: number): Generator<StoredResult> {
  let n = 0;
  const entry = (result: Result, isExtra = false): StoredResult => ({
    streamId: `${STARTED_AT + n++}-0`,
    result,
    ...(isExtra ? { isExtra } : {}),
  });
  for (let row = 0; row < rows; row++) {
    const first = row % 10 === 0 ? [call(batch, row, 1, { outcome: "transient", reason: "503 overloaded" })] : [];
    const cutOff = row % 100 === 13;
    const last = call(batch, row, 2, cutOff ? { outcome: "uncertain", costNanoUsd: 999_999 } : {});
    if (row % 200 === 31) {
      yield entry({
        ...base(batch, row),
        status: "error",
        error: { code: "exhausted", message: "every model was tried" },
        input: { text: text(row) },
        trail: first,
      });
      yield entry({ ...answer(batch, row), round: 1, trail: [last] });
    } else yield entry({ ...answer(batch, row), trail: [...first, last] });
    if (row % 50 === 7) yield entry({ ...answer(batch, row), trail: [...first, last, call(batch, row, 3)] }, true);
    if (cutOff) yield entry({ ...answer(batch, row), trail: [...first, call(batch, row, 2)] }, true);
  }
}

export interface BookSums {
  readonly calls: number;
  readonly duplicates: number;
  readonly uncertain: number;
  readonly costNanoUsd: number;
}

/** What a ledger of that batch must come to, reckoned from how the rows are made and not from the entries. */
export function expectedBooks(rows: number): BookSums {
  const every = (n: number, from: number) => Math.max(0, Math.ceil((rows - from) / n));
  const more = every(50, 7);
  const calls = rows + every(10, 0) + more;
  return { calls, duplicates: more + every(100, 13), uncertain: 0, costNanoUsd: calls * COST_NANO_USD };
}

export function addToBooks(sums: BookSums, entry: LedgerEntry): BookSums {
  return {
    calls: sums.calls + 1,
    duplicates: sums.duplicates + Number(entry.isDuplicate),
    uncertain: sums.uncertain + Number(entry.outcome === "uncertain"),
    costNanoUsd: sums.costNanoUsd + entry.costNanoUsd,
  };
}

const COST_NANO_USD = 77_500;

function call(batch: string, row: number, n: number, changes: Partial<TrailEntry> = {}): TrailEntry {
  return {
    call: `${batch}.${row}.0.0.${n}~k3x9`,
    model: "openai/gpt-5-mini",
    purpose: "answer",
    outcome: "answered",
    startedAt: STARTED_AT + row,
    latencyMs: 400 + (row % 300),
    usage: { inputTokens: 150, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 20, reasoningTokens: 0 },
    price: PRICE,
    costNanoUsd: COST_NANO_USD,
    requestId: `req_${row}`,
    ...changes,
  };
}

function answer(batch: string, row: number) {
  return {
    ...base(batch, row),
    status: "answered" as const,
    model: "openai/gpt-5-mini" as const,
    answer: {
      text: `{"label":"billing","reason":"${text(row)}"}`,
      json: { label: ["billing", "delivery", "technical"][row % 3]!, reason: text(row) },
      finish: { unified: "stop" as const, raw: "stop" },
    },
  };
}

function base(batch: string, row: number) {
  const at = STARTED_AT + row;
  return {
    batch,
    row,
    task: "classify",
    round: 0,
    hop: 1,
    id: `T-${row}`,
    line: row + 1,
    tags: { team: `t${row % 5}` },
    reroutes: 0,
    enqueuedAt: at,
    finishedAt: at + 900,
  };
}

function text(row: number): string {
  return `Ticket ${row} asks why an invoice was charged twice in the same month`;
}
