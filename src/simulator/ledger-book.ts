// One book of the simulator's ledger: the counts of a model or of a client, while they are being written, and their sums.

import type { Charge, Dimension } from "./call-limits.ts";

export interface LedgerCounts {
  readonly calls: number;
  readonly answered: number;
  readonly refused429: number;
  /** What the calls took of the vendor's limits, by its charging policy, whether those limits are set or not. Output is charged once it is produced. */
  readonly charged: Readonly<Partial<Record<Dimension, number>>>;
  /** By HTTP status, or by what happened instead of an answer: `malformed`, `connection-refused`, `hung`. */
  readonly errors: Readonly<Record<string, number>>;
  /** Calls that a fault bore on, by fault. */
  readonly faults: Readonly<Record<string, number>>;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: number;
  /** Answered and billed, but the connection was gone before the answer was out; their cost is part of `costNanoUsd`. */
  readonly undelivered: number;
  readonly undeliveredCostNanoUsd: number;
  /** Calls whose caller went away before an end. */
  readonly aborted: number;
}

export interface BookCounts extends LedgerCounts {
  /** Calls under way at once, at most. */
  readonly maxConcurrent: number;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type Tally = Record<string, number>;

/** Mutable, and with the calls under way at this moment. */
export type Book = Writable<Omit<BookCounts, "charged" | "errors" | "faults">> & {
  charged: Tally;
  errors: Tally;
  faults: Tally;
  underWay: number;
};

export function emptyBook(): Book {
  return { ...emptyCounts(), maxConcurrent: 0, underWay: 0 };
}

/** A copy for readers. */
export function readBook({ underWay: _underWay, ...counts }: Book): BookCounts {
  return structuredClone(counts);
}

export function countOne(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

export function addCharge(book: Book, charge: Charge): void {
  addTally(book.charged, charge);
}

export function sumCounts(parts: readonly LedgerCounts[]): LedgerCounts {
  const total = emptyCounts();
  for (const part of parts) {
    for (const [name, value] of Object.entries(part)) {
      if (typeof value === "number" && name in total) addTally(total as unknown as Tally, { [name]: value });
    }
    addTally(total.charged, part.charged);
    addTally(total.errors, part.errors);
    addTally(total.faults, part.faults);
  }
  return total;
}

function addTally(tally: Tally, amounts: Readonly<Partial<Tally>>): void {
  for (const [name, amount = 0] of Object.entries(amounts)) tally[name] = (tally[name] ?? 0) + amount;
}

function emptyCounts() {
  return {
    calls: 0,
    answered: 0,
    refused429: 0,
    charged: {} as Tally,
    errors: {} as Tally,
    faults: {} as Tally,
    inputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    costNanoUsd: 0,
    undelivered: 0,
    undeliveredCostNanoUsd: 0,
    aborted: 0,
  };
}
