// The contract of a store: where results live for good. The recorder writes it, in batches; output, retry and reports read it.

import type { LedgerEntry } from "../job/ledger.ts";
import type { Result } from "../job/result.ts";

/** A result with its position in the batch's stream: writing goes on from the last one found. */
export interface StoredResult {
  readonly streamId: string;
  readonly result: Result;
  /** A second result for its row, refused: it is never read back, but its calls were paid and stand in the ledger. */
  readonly isExtra?: true;
}

export interface Store {
  /** Where it is, as it may be shown: a folder, or an address without its password. */
  readonly place: string;
  /** The store's own identity: one Redis belongs to one store. */
  identity(): Promise<string>;
  /** What there is at its place, in a sentence; changes nothing. @throws StoppedError when the store can't be used. */
  probe(): Promise<string>;
  /** The last stream id found for the batch; `undefined` when it holds nothing of it. */
  lastStreamId(batch: string): Promise<string | undefined>;
  /** Writes and syncs; writing the same entries twice is harmless. Entries come in order of their stream ids. */
  append(batch: string, entries: readonly StoredResult[]): Promise<void>;
  /** Every stored result of the batch, once per row (the highest round wins), in order of rows. Memory: some bytes a row. */
  read(batch: string): AsyncIterable<Result>;
  /**
   * Every call of the batch, of all rounds and of extras, once by its id: an exact entry rather than an uncertain one, else the first that was written. Calls
   * whose entry stands only in extras are duplicates. In the store's own order. Memory: a bit a row, and what is known of rows with several results.
   */
  ledger(batch: string): AsyncIterable<LedgerEntry>;
  /**
   * What the ledger has of some rows, and the last stream id of all that is stored: both as of one moment. For a few rows of a live batch: files are read again in part,
   * those that were written lately soonest.
   */
  ledgerOf(
    batch: string,
    rows: readonly number[],
  ): Promise<{ readonly lastStreamId: string | undefined; readonly entries: readonly LedgerEntry[] }>;
  /** Batches that the store knows, also those of which it has no results any more and the ledger alone. */
  batches(): Promise<readonly string[]>;
  stop(): Promise<void>;
}
