// Results → the user's output, in one of three formats, no faster than it is taken.

import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Result } from "../job/result.ts";
import { createCsvLayout, fieldsOf } from "./csv-lines.ts";
import { toJsonLine } from "./jsonl-lines.ts";
import { toOpenAiLine } from "./openai-lines.ts";

export interface OutputOptions {
  readonly format: "jsonl" | "csv" | "openai";
  /** Which rows are written. */
  readonly which: "answered" | "errors" | "all";
  /** CSV: the answers' fields that get a column; absent: those of the first 200 rows written. */
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
  const chosen = batchesOf(results, (result) => {
    const isAnswer = result.status === "answered";
    counts[isAnswer ? "answered" : "errors"]++;
    const isChosen = options.which === "all" || (options.which === "answered") === isAnswer;
    if (isChosen) counts.written++;
    return isChosen;
  });
  await pipeline(Readable.from(format(chosen, options, counts)), options.sink, { end: false });
  return counts;
}

/** Rows turned into text at once. */
const BATCH_ROWS = 200;
/** Answers may be long: a batch ends early when this much text is in it. */
const BATCH_CHARACTERS = 256 * 1024;

async function* batchesOf(results: AsyncIterable<Result>, isChosen: (result: Result) => boolean): AsyncGenerator<readonly Result[]> {
  let batch: Result[] = [];
  let characters = 0;
  for await (const result of results) {
    if (!isChosen(result)) continue;
    batch.push(result);
    if (result.status === "answered") characters += result.answer.text.length;
    if (batch.length < BATCH_ROWS && characters < BATCH_CHARACTERS) continue;
    yield batch;
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield batch;
}

async function* format(
  batches: AsyncIterable<readonly Result[]>,
  options: OutputOptions,
  counts: { guardedCells: number },
): AsyncGenerator<string> {
  if (options.format !== "csv") {
    const toLine = options.format === "jsonl" ? toJsonLine : toOpenAiLine;
    for await (const batch of batches) yield batch.map(toLine).join("");
    return;
  }
  let layout: ReturnType<typeof createCsvLayout> | undefined;
  for await (const batch of batches) {
    if (!layout) {
      layout = createCsvLayout({ ...options, fields: options.fields ?? fieldsOf(batch) });
      yield layout.header();
    }
    yield layout.lines(batch);
    counts.guardedCells = layout.guardedCells();
  }
  yield layout ? "" : createCsvLayout({ ...options, fields: options.fields ?? [] }).header();
}
