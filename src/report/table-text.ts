// Tables as text: JSONL, a line for each row; CSV, where JSON stands in its cell as text.

import { stringify } from "csv-stringify/sync";
import { spreadsheetText } from "../job/spreadsheet-text.ts";
import { jsonCell, jsonRow, type TableColumn } from "./table.ts";

/** Rows turned into text at once. */
const CHUNK_ROWS = 500;

/** `isRaw`: CSV in which texts that a spreadsheet would take for formulas stay as they are; else a `'` stands before them. */
export async function* tableText<Item>(
  columns: readonly TableColumn<Item>[],
  items: AsyncIterable<Item>,
  format: "jsonl" | "csv",
  { isRaw = false }: { readonly isRaw?: boolean } = {},
): AsyncGenerator<string> {
  if (format === "csv") yield stringify([columns.map(({ name }) => name)]);
  const toText = (chunk: readonly Item[]): string =>
    format === "csv"
      ? stringify(chunk.map((item) => columns.map((column) => csvCell(jsonCell(column, item), isRaw))))
      : chunk.map((item) => `${JSON.stringify(jsonRow(columns, item))}\n`).join("");
  let chunk: Item[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < CHUNK_ROWS) continue;
    yield toText(chunk);
    chunk = [];
  }
  if (chunk.length > 0) yield toText(chunk);
}

function csvCell(value: ReturnType<typeof jsonCell>, isRaw: boolean): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return isRaw ? text : spreadsheetText(text);
}
