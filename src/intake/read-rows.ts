// The intake's front door: a stream of bytes → rows, numbered, digested, validated. Memory is a chunk and a row, whatever the input's size.

import type { JsonSchema } from "../job/json.ts";
import { createCsvReader } from "./csv.ts";
import { readJsonLine } from "./jsonl.ts";
import { createLabelSet } from "./labels.ts";
import { createLineSplitter } from "./lines.ts";
import { readOpenAiLine } from "./openai-batch.ts";
import { createLineRecordReader, type Reading, type ReadRecord, type RecordReader } from "./record.ts";
import type { Row, RowFormat } from "./row.ts";
import type { InputValidator } from "./validate.ts";

export interface ReadRowsOptions {
  readonly format: RowFormat;
  /** Larger rows are bad ones. Default 1 MiB. */
  readonly maxRowBytes?: number;
  /** Says what is wrong with an input. Not asked for OpenAI-batch lines, whose input is empty. */
  readonly validate?: InputValidator;
  /** The task's input schema: CSV cells become numbers and booleans where it asks for them. */
  readonly schema?: JsonSchema;
  /** A label used before makes a row bad (default). `false`: labels may repeat. */
  readonly uniqueIds?: boolean;
}

/**
 * Every non-blank line (or CSV record) becomes a row, good or bad; a bad one never ends the reading.
 * @throws UsageError for a CSV header that can't be used.
 */
export async function* readRows(source: AsyncIterable<Uint8Array>, options: ReadRowsOptions): AsyncGenerator<Row> {
  const maxBytes = options.maxRowBytes ?? 1024 * 1024;
  const splitter = createLineSplitter({ maxLineBytes: maxBytes });
  const reader = createReader(options, maxBytes);
  const labels = options.uniqueIds === false ? undefined : createLabelSet();
  let row = 0;

  const judge = (reading: Reading, line: number): Reading => {
    const firstLine = reading.id === undefined ? undefined : labels?.claim(reading.id, line);
    if (reading.kind === "bad") return reading;
    if (firstLine !== undefined)
      return { ...reading, kind: "bad", reason: `the id "${shown(reading.id)}" was used before, in line ${firstLine}` };
    const reason = reading.body ? undefined : options.validate?.(reading.input);
    return reason === undefined ? reading : { ...reading, kind: "bad", reason };
  };
  const toRow = ({ record, reading }: ReadRecord): Row => {
    const { line, bytes, digest } = record;
    return { row: row++, line, bytes, digest, ...judge(reading, line) };
  };

  for await (const chunk of source) for (const record of reader.push(splitter.push(chunk))) yield toRow(record);
  for (const record of reader.push(splitter.end())) yield toRow(record);
  for (const record of reader.end()) yield toRow(record);
}

function createReader({ format, schema }: ReadRowsOptions, maxRecordBytes: number): RecordReader {
  const readers: Record<RowFormat, () => RecordReader> = {
    jsonl: () => createLineRecordReader(readJsonLine),
    openai: () => createLineRecordReader(readOpenAiLine),
    csv: () => createCsvReader({ maxRecordBytes, ...(schema === undefined ? {} : { schema }) }),
  };
  return readers[format]();
}

function shown(id: string | undefined): string {
  return id !== undefined && id.length > 80 ? `${id.slice(0, 80)}…` : (id ?? "");
}
