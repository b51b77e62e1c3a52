// The ground truth of what happened at the simulated vendors: against it a fleet's own books are checked.
//
// A call counts once, and ends as one of: answered (billed, also when its answer never reached the caller) · refused by a rate limit (429) · an error. Thus
// calls = answered + refused429 + the sum of errors + those still under way.

import { createHash } from "node:crypto";

import type { Price } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";
import { costNanoUsd } from "./call-price.ts";

export interface LedgerCounts {
  readonly calls: number;
  readonly answered: number;
  readonly refused429: number;
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

export interface ModelLedger extends LedgerCounts {
  /** Calls under way at once, at most. */
  readonly maxConcurrent: number;
}

export interface CallRecord {
  /** Unix milliseconds of the call's arrival. */
  readonly atMs: number;
  readonly vendor: string;
  readonly model: string;
  /** Digest of the last user message: see {@link promptDigest}. */
  readonly prompt: string;
  /** `answered`, `refused429`, an error's name, or `open`. */
  readonly ending: string;
  readonly delivered: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
}

export interface Ledger {
  readonly total: LedgerCounts;
  readonly vendors: Readonly<Record<string, { readonly total: LedgerCounts; readonly models: Readonly<Record<string, ModelLedger>> }>>;
  /** One entry per call, where the log is on. */
  readonly calls?: readonly CallRecord[];
}

export type Delivery = "delivered" | "cut" | "caller-left";

/** One call in the books: begun, perhaps admitted and released, one of answered, refused and failed, and last `end`. */
export interface LedgerCall {
  /** Past the limits: it counts as under way until released. */
  readonly admitted: () => void;
  readonly released: () => void;
  readonly fault: (name: string) => void;
  readonly answered: (usage: Usage) => void;
  readonly refused: () => void;
  readonly failed: (error: string) => void;
  readonly end: (delivery: Delivery) => void;
}

export interface SimulatorLedger {
  begin(call: {
    readonly vendor: string;
    readonly model: string;
    readonly price: Price | undefined;
    readonly prompt: string | undefined;
    readonly atMs: number;
  }): LedgerCall;
  read(): Ledger;
  /** Starts the books anew; calls under way are booked in the old ones. */
  reset(): void;
}

/** SHA-256 of a prompt's text, 16 hex digits: how the call log names prompts. */
export function promptDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type Book = Writable<Omit<ModelLedger, "errors" | "faults">> & {
  errors: Record<string, number>;
  faults: Record<string, number>;
  underWay: number;
};

export function createSimulatorLedger(options: { readonly callLog: boolean }): SimulatorLedger {
  let books = new Map<string, Map<string, Book>>();
  let log: Writable<CallRecord>[] = [];

  const bookOf = (vendor: string, model: string): Book => {
    let models = books.get(vendor);
    if (!models) books.set(vendor, (models = new Map()));
    let book = models.get(model);
    if (!book) models.set(model, (book = emptyBook()));
    return book;
  };

  return {
    begin({ vendor, model, price, prompt, atMs }) {
      const book = bookOf(vendor, model);
      book.calls++;
      const record = { atMs, vendor, model, prompt: "", ending: "open", delivered: false, inputTokens: 0, outputTokens: 0, costNanoUsd: 0 };
      if (options.callLog) log.push({ ...record, prompt: prompt === undefined ? "" : promptDigest(prompt) });
      const logged = log.at(-1) ?? record;
      let cost: number | undefined;
      return {
        admitted() {
          book.underWay++;
          book.maxConcurrent = Math.max(book.maxConcurrent, book.underWay);
        },
        released() {
          book.underWay--;
        },
        fault: (name) => count(book.faults, name),
        answered(usage) {
          cost = price ? costNanoUsd(usage, price) : 0;
          book.answered++;
          book.inputTokens += usage.inputTokens;
          book.cachedInputTokens += usage.cachedInputTokens;
          book.cacheWriteTokens += usage.cacheWriteTokens;
          book.outputTokens += usage.outputTokens;
          book.reasoningTokens += usage.reasoningTokens;
          book.costNanoUsd += cost;
          Object.assign(logged, {
            ending: "answered",
            inputTokens: usage.inputTokens,
            outputTokens: usage.outputTokens,
            costNanoUsd: cost,
          });
        },
        refused() {
          book.refused429++;
          logged.ending = "refused429";
        },
        failed(error) {
          count(book.errors, error);
          logged.ending = error;
        },
        end(delivery) {
          if (delivery === "caller-left") book.aborted++;
          logged.delivered = delivery === "delivered";
          if (delivery === "delivered" || cost === undefined) return;
          book.undelivered++;
          book.undeliveredCostNanoUsd += cost;
        },
      };
    },
    read() {
      const vendors: Record<string, Ledger["vendors"][string]> = {};
      for (const [vendor, models] of books) {
        const entries = [...models].map(([model, { underWay: _underWay, ...book }]): [string, ModelLedger] => [
          model,
          structuredClone(book),
        ]);
        vendors[vendor] = { total: sum(entries.map(([, entry]) => entry)), models: Object.fromEntries(entries) };
      }
      const total = sum(Object.values(vendors).map((vendor) => vendor.total));
      return { total, vendors, ...(options.callLog ? { calls: log.map((record) => ({ ...record })) } : {}) };
    },
    reset() {
      books = new Map();
      log = [];
    },
  };
}

function emptyBook(): Book {
  return { ...emptyCounts(), maxConcurrent: 0, underWay: 0 };
}

function emptyCounts() {
  return {
    calls: 0,
    answered: 0,
    refused429: 0,
    errors: {} as Record<string, number>,
    faults: {} as Record<string, number>,
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

function count(counts: Record<string, number>, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}

function sum(parts: readonly LedgerCounts[]): LedgerCounts {
  const total = emptyCounts();
  for (const part of parts) {
    for (const [name, value] of Object.entries(part))
      if (typeof value === "number" && name in total) count(total as unknown as Record<string, number>, name, value);
    for (const [name, value] of Object.entries(part.errors)) count(total.errors, name, value);
    for (const [name, value] of Object.entries(part.faults)) count(total.faults, name, value);
  }
  return total;
}
