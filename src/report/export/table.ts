// A table for other programs: its columns, with their types, and what of an item goes into them. The same in every format.

import type { JsonValue } from "../../job/json.ts";
import { soundCount, soundMeasure, soundTime } from "../../job/sound-number.ts";
import { soundText, soundValue } from "../../job/sound-text.ts";

/** What JSON can say. */
type Json = JsonValue | object;

/** Whole numbers (`int32`, `int64`), unix milliseconds (`time`), and JSON. */
export type TableColumn<Item> = {
  readonly name: string;
  /** Some rows may have no value. */
  readonly isOptional?: true;
} & (
  | { readonly type: "text"; readonly of: (item: Item) => string | undefined }
  | { readonly type: "int32" | "int64" | "double" | "time"; readonly of: (item: Item) => number | undefined }
  | { readonly type: "boolean"; readonly of: (item: Item) => boolean | undefined }
  | { readonly type: "json"; readonly of: (item: Item) => Json | undefined }
);

const LARGEST_INT32 = 2 ** 31 - 1;

/** What a column has of an item, such that every reader takes it: one that a store has from elsewhere and that can't be must not keep the others from being read. */
export function soundCell<Item>(column: TableColumn<Item>, item: Item): Json | undefined {
  const value = column.of(item);
  if (value === undefined) return undefined;
  switch (column.type) {
    case "text":
      return soundText(value as string);
    case "json":
      return soundValue(value);
    case "int32":
      return soundCount(value, LARGEST_INT32);
    case "int64":
      return soundCount(value);
    case "double":
      return soundMeasure(value);
    case "time":
      return soundTime(value);
    case "boolean":
      return value;
    default:
      return column satisfies never;
  }
}

/** The same as JSON has it: times as ISO 8601 in UTC. */
export function jsonCell<Item>(column: TableColumn<Item>, item: Item): Json | undefined {
  const value = soundCell(column, item);
  return column.type === "time" && value !== undefined ? new Date(value as number).toISOString() : value;
}

/** Columns without a value are left out. */
export function jsonRow<Item>(columns: readonly TableColumn<Item>[], item: Item): object {
  const row: Record<string, Json> = {};
  for (const column of columns) {
    const value = jsonCell(column, item);
    if (value !== undefined) row[column.name] = value;
  }
  return row;
}
