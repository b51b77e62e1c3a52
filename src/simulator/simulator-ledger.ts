// The ground truth of what happened at the simulated vendors: against it a fleet's own books are checked.
//
// A call counts once, and ends as one of: answered (billed, also when its answer never reached the caller) · refused by a rate limit (429) · an error. Thus
// calls = answered + refused429 + the sum of errors + those still under way. It is booked twice over: with its model, and with the client that made it.

import { createHash } from "node:crypto";

import type { Price } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";
import type { Charge } from "./call-limits.ts";
import { costNanoUsd } from "./call-price.ts";
import { addCharge, countOne, emptyBook, readBook, sumCounts, type Book, type BookCounts, type LedgerCounts } from "./ledger-book.ts";

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

export interface VendorLedger {
  readonly total: LedgerCounts;
  readonly models: Readonly<Record<string, BookCounts>>;
  /** By the last four characters of their API keys, as vendors' own consoles name them; `(none)` without one. */
  readonly clients: Readonly<Record<string, BookCounts>>;
}

export interface Ledger {
  /** When it was read: Unix milliseconds by the simulator's clock. */
  readonly atMs: number;
  readonly total: LedgerCounts;
  readonly vendors: Readonly<Record<string, VendorLedger>>;
  /** One entry per call, where the log is on. */
  readonly calls?: readonly CallRecord[];
}

export type Delivery = "delivered" | "cut" | "caller-left";

/** One call in the books: begun, perhaps admitted and released, one of answered, refused and failed, and last `end`. */
export interface LedgerCall {
  /** Past the limits: it counts as under way until released. */
  readonly admitted: () => void;
  readonly released: () => void;
  /** What it took of the limits, up front or later; also a refused call may take something. */
  readonly charged: (charge: Charge) => void;
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
    /** The API key it came with. */
    readonly apiKey: string | undefined;
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

interface VendorBooks {
  readonly models: Map<string, Book>;
  readonly clients: Map<string, Book>;
}

export function createSimulatorLedger(options: { readonly callLog: boolean; readonly now: () => number }): SimulatorLedger {
  let vendors = new Map<string, VendorBooks>();
  let log: { -readonly [Key in keyof CallRecord]: CallRecord[Key] }[] = [];

  const booksOf = (vendor: string): VendorBooks => {
    let books = vendors.get(vendor);
    if (!books) vendors.set(vendor, (books = { models: new Map(), clients: new Map() }));
    return books;
  };

  return {
    begin({ vendor, model, apiKey, price, prompt, atMs }) {
      const { models, clients } = booksOf(vendor);
      const books = [bookOf(models, model), bookOf(clients, apiKey?.slice(-4) ?? "(none)")];
      const write = (entry: (book: Book) => void) => books.forEach(entry);
      write((book) => book.calls++);
      const record = { atMs, vendor, model, prompt: "", ending: "open", delivered: false, inputTokens: 0, outputTokens: 0, costNanoUsd: 0 };
      if (options.callLog) log.push({ ...record, prompt: prompt === undefined ? "" : promptDigest(prompt) });
      const logged = log.at(-1) ?? record;
      let cost: number | undefined;
      return {
        admitted: () => write((book) => (book.maxConcurrent = Math.max(book.maxConcurrent, ++book.underWay))),
        released: () => write((book) => book.underWay--),
        charged: (charge) => write((book) => addCharge(book, charge)),
        fault: (name) => write((book) => countOne(book.faults, name)),
        answered(usage) {
          const costs = (cost = price ? costNanoUsd(usage, price) : 0);
          write((book) => {
            book.answered++;
            book.inputTokens += usage.inputTokens;
            book.cachedInputTokens += usage.cachedInputTokens;
            book.cacheWriteTokens += usage.cacheWriteTokens;
            book.outputTokens += usage.outputTokens;
            book.reasoningTokens += usage.reasoningTokens;
            book.costNanoUsd += costs;
          });
          const { inputTokens, outputTokens } = usage;
          Object.assign(logged, { ending: "answered", inputTokens, outputTokens, costNanoUsd: cost });
        },
        refused() {
          write((book) => book.refused429++);
          logged.ending = "refused429";
        },
        failed(error) {
          write((book) => countOne(book.errors, error));
          logged.ending = error;
        },
        end(delivery) {
          if (delivery === "caller-left") write((book) => book.aborted++);
          logged.delivered = delivery === "delivered";
          const lost = delivery === "delivered" ? undefined : cost;
          if (lost === undefined) return;
          write((book) => {
            book.undelivered++;
            book.undeliveredCostNanoUsd += lost;
          });
        },
      };
    },
    read() {
      const read = Array.from(vendors, ([vendor, { models, clients }]): [string, VendorLedger] => {
        const byModel = readAll(models);
        return [vendor, { total: sumCounts(Object.values(byModel)), models: byModel, clients: readAll(clients) }];
      });
      const total = sumCounts(read.map(([, vendor]) => vendor.total));
      const calls = options.callLog ? { calls: log.map((record) => ({ ...record })) } : {};
      return { atMs: options.now(), total, vendors: Object.fromEntries(read), ...calls };
    },
    reset() {
      vendors = new Map();
      log = [];
    },
  };
}

function bookOf(books: Map<string, Book>, name: string): Book {
  let book = books.get(name);
  if (!book) books.set(name, (book = emptyBook()));
  return book;
}

function readAll(books: ReadonlyMap<string, Book>): Readonly<Record<string, BookCounts>> {
  return Object.fromEntries(Array.from(books, ([name, book]) => [name, readBook(book)]));
}
