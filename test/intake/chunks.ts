// Inputs for the intake's tests: bytes cut into chunks, and rows collected.

import { readRows, type ReadRowsOptions } from "../../src/intake/read-rows.ts";
import type { Row } from "../../src/intake/row.ts";

/** The bytes in pieces that end at the given places. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

export async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function rowsOf(text: string | Uint8Array, options: ReadRowsOptions, places: readonly number[] = []): Promise<Row[]> {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return collect(readRows(streamOf(cut(bytes, places)), options));
}

/** What matters of a row to most tests. */
export function brief(row: Row) {
  return row.kind === "good" ? { line: row.line, input: row.input } : { line: row.line, reason: row.reason };
}
