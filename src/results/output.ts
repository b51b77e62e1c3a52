// Results → the user's output, in one of three formats, no faster than it is taken.

import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stringify } from "csv-stringify/sync";
import { inPieces } from "../job/in-pieces.ts";
import type { Result } from "../job/result.ts";
import { createCsvLayout, fieldsOf, type CsvLayout } from "./csv-lines.ts";
import { toJsonLine } from "./jsonl-lines.ts";
import { toOpenAiLine } from "./openai-lines.ts";

export interface OutputOptions {
  readonly format: "jsonl" | "csv" | "openai";
  /** Which rows are written. */
  readonly which: "answered" | "errors" | "all";
  /** CSV: the answers' fields that get a column; absent: those of the first 200 rows written, of fewer where they are very long. */
  readonly fields?: readonly string[];
  /** CSV: texts that a spreadsheet would take for formulas stay as they are; else a `'` stands before them. */
  readonly isRaw?: boolean;
}

export interface OutputCounts {
  /** Lines written (a CSV header not counted). */
  readonly written: number;
  /** Of all results read, written or not. */
  readonly answered: number;
  readonly errors: number;
  /** CSV: cells with a `'` before them. */
  readonly guardedCells: number;
}

/**
 * Writes the chosen results in the order they come; `sink` is left open. Rejects with the sink's error.
 */
export async function writeOutput(
  results: AsyncIterable<Result>,
  options: OutputOptions & { readonly sink: Writable },
): Promise<OutputCounts> {
  const counts = { written: 0, answered: 0, errors: 0, guardedCells: 0 };
  const chosen = chosenOf(results, (result) => {
    const isAnswer = result.status === "answered";
    counts[isAnswer ? "answered" : "errors"]++;
    const isChosen = options.which === "all" || (options.which === "answered") === isAnswer;
    if (isChosen) counts.written++;
    return isChosen;
  });
  await pipeline(Readable.from(format(chosen, options, counts)), options.sink, { end: false });
  return counts;
}

async function* chosenOf(results: AsyncIterable<Result>, isChosen: (result: Result) => boolean): AsyncGenerator<Result> {
  for await (const result of results) if (isChosen(result)) yield result;
}

/** Pieces end by the text that was made, not by what is in the results: a failed row's input, a vendor's body. */
async function* format(results: AsyncIterable<Result>, options: OutputOptions, counts: { guardedCells: number }): AsyncGenerator<string> {
  if (options.format === "csv") {
    const records = csvRecords(results, options, counts);
    for await (const piece of inPieces(records, (cells) => cells, lengthOfCells)) yield stringify([...piece]);
  } else {
    const toLine = options.format === "jsonl" ? toJsonLine : toOpenAiLine;
    for await (const piece of inPieces(results, toLine, ({ length }) => length)) yield piece.join("");
  }
}

/** Rows of which the columns of a CSV are made. */
const HEAD_ROWS = 200;
/** They are in memory until then: fewer make the columns when they are this long. */
const HEAD_CHARACTERS = 16 * 1024 * 1024;

/** The header, then a record for each row. */
async function* csvRecords(
  results: AsyncIterable<Result>,
  options: OutputOptions,
  counts: { guardedCells: number },
): AsyncGenerator<readonly string[]> {
  let head: Result[] = [];
  let characters = 0;
  let layout: CsvLayout | undefined;
  const begin = function* () {
    layout = createCsvLayout({ ...options, fields: options.fields ?? fieldsOf(head) });
    yield layout.header();
    for (const result of head) yield layout.cells(result);
    counts.guardedCells = layout.guardedCells();
    head = [];
  };
  for await (const result of results) {
    if (layout) {
      yield layout.cells(result);
      counts.guardedCells = layout.guardedCells();
      continue;
    }
    head.push(result);
    characters += JSON.stringify(result).length;
    if (head.length === HEAD_ROWS || characters >= HEAD_CHARACTERS) yield* begin();
  }
  if (!layout) yield* begin();
}

function lengthOfCells(cells: readonly string[]): number {
  return cells.reduce((sum, { length }) => sum + length, 0);
}
