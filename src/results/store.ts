// The contract of a store: where results live for good. The recorder writes it, in batches; output, retry and reports read it.

import type { Result } from "../job/result.ts";

/** A result with its position in the batch's stream: writing goes on from the last one found. */
export interface StoredResult {
  readonly streamId: string;
  readonly result: Result;
}

export interface Store {
  /** The store's own identity: one Redis belongs to one store. */
  identity(): Promise<string>;
  /** The last stream id found for the batch; `undefined` when it holds nothing of it. */
  lastStreamId(batch: string): Promise<string | undefined>;
  /** Writes and syncs; writing the same entries twice is harmless. Entries come in order of their stream ids. */
  append(batch: string, entries: readonly StoredResult[]): Promise<void>;
  /** Every stored result of the batch, once per row (the highest round wins), in order of rows. Memory: some bytes a row. */
  read(batch: string): AsyncIterable<Result>;
  /** Batches that the store knows. */
  batches(): Promise<readonly string[]>;
  stop(): Promise<void>;
}
