// Output as CSV. A `'` stands before texts that a spreadsheet would take for formulas. Answers that are JSON objects are laid out one level deep: a column `output.<field>` for each field. Which fields there are is taken
// from the first rows; a field that only turns up later goes, as JSON, into the column `output`, so that nothing is lost.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { Result } from "../job/result.ts";
import { answeringCall, outputOf } from "../job/result-answer.ts";
import { spreadsheetText } from "../job/spreadsheet-text.ts";
import { costUsdOf } from "./result-view.ts";

export type CsvColumns = "answered" | "errors" | "all";

export interface CsvLayout {
  header(): readonly string[];
  cells(result: Result): readonly string[];
  /** Cells so far that got a `'`. */
  guardedCells(): number;
}

/**
 * Columns: `id, row, line, status`, then for answers `output.<field> …, output, model`, then for errors `error.code, error.message, input`,
 * then `costUsd, calls` and for answers `latencyMs`. Objects and arrays within a cell are JSON. `fields`: the answers' fields, in order. `isRaw`: texts stay as they
 * are, whatever a spreadsheet would make of them.
 */
export function createCsvLayout(options: { which: CsvColumns; fields: readonly string[]; isRaw?: boolean }): CsvLayout {
  const { which, fields, isRaw = false } = options;
  const hasAnswers = which !== "errors";
  const hasErrors = which !== "answered";
  const columns = [
    "id",
    "row",
    "line",
    "status",
    ...(hasAnswers ? [...fields.map((field) => `output.${field}`), "output", "model"] : []),
    ...(hasErrors ? ["error.code", "error.message", "input"] : []),
    "costUsd",
    "calls",
    ...(hasAnswers ? ["latencyMs"] : []),
  ];

  const toRecord = (result: Result): string[] => {
    const answered = result.status === "answered" ? result : undefined;
    const failed = result.status === "error" ? result : undefined;
    return [
      cell(result.id),
      cell(result.row),
      cell(result.line),
      result.status,
      ...(hasAnswers ? [...outputCells(answered && outputOf(answered), fields), cell(answered?.model)] : []),
      ...(hasErrors ? [cell(failed?.error.code), cell(failed?.error.message), cell(failed?.body ?? failed?.input)] : []),
      decimal(costUsdOf(result)),
      cell(result.trail.length),
      ...(hasAnswers ? [cell(answered && answeringCall(answered)?.latencyMs)] : []),
    ];
  };

  let guarded = 0;
  const safe = (text: string): string => {
    const guardedText = spreadsheetText(text);
    if (guardedText !== text) guarded++;
    return guardedText;
  };
  return {
    header: () => columns,
    cells: (result) => (isRaw ? toRecord(result) : toRecord(result).map(safe)),
    guardedCells: () => guarded,
  };
}

/** The fields of the answers that are objects, in the order they turn up. */
export function fieldsOf(results: readonly Result[]): readonly string[] {
  const fields = new Set<string>();
  for (const result of results) {
    const output = result.status === "answered" ? outputOf(result) : undefined;
    if (isObject(output)) for (const field of Object.keys(output)) fields.add(field);
  }
  return [...fields];
}

function outputCells(output: JsonValue | undefined, fields: readonly string[]): string[] {
  if (!isObject(output)) return [...fields.map(() => ""), cell(output)];
  const others = Object.entries(output).filter(([field]) => !fields.includes(field));
  return [
    ...fields.map((field) => cell(Object.hasOwn(output, field) ? output[field] : undefined)),
    others.length > 0 ? JSON.stringify(Object.fromEntries(others)) : "",
  ];
}

function cell(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Without an exponent: spreadsheets read it as a number in any case. */
function decimal(usd: number): string {
  return usd === 0 ? "0" : usd.toFixed(9).replace(/\.?0+$/, "");
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
