// Tables as text: JSONL, a line for each row; CSV, where JSON stands in its cell as text.

import { stringify } from "csv-stringify/sync";
import { inPieces } from "../../job/in-pieces.ts";
import { spreadsheetText } from "../../job/spreadsheet-text.ts";
import { jsonCell, jsonRow, type TableColumn } from "./table.ts";

/** `isRaw`: CSV in which texts that a spreadsheet would take for formulas stay as they are; else a `'` stands before them. */
export async function* tableText<Item>(
  columns: readonly TableColumn<Item>[],
  items: AsyncIterable<Item>,
  format: "jsonl" | "csv",
  { isRaw = false }: { readonly isRaw?: boolean } = {},
): AsyncGenerator<string> {
  if (format === "csv") {
    yield stringify([columns.map(({ name }) => name)]);
    const toCells = (item: Item) => columns.map((column) => csvCell(jsonCell(column, item), isRaw));
    const lengthOf = (cells: readonly string[]) => cells.reduce((sum, { length }) => sum + length, 0);
    for await (const piece of inPieces(items, toCells, lengthOf)) yield stringify([...piece]);
  } else {
    const toLine = (item: Item) => `${JSON.stringify(jsonRow(columns, item))}\n`;
    for await (const piece of inPieces(items, toLine, ({ length }) => length)) yield piece.join("");
  }
}

function csvCell(value: ReturnType<typeof jsonCell>, isRaw: boolean): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return isRaw ? text : spreadsheetText(text);
}
