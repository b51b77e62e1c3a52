// CSV knows only strings; an input schema that asks for numbers or booleans is served by turning the cells into them.

import type { JsonSchema, JsonValue } from "../job/json.ts";
import { isObject } from "./json-object.ts";

/** `undefined`: the cell is empty, the field is left out. A cell that can't be turned stays a string, and the schema then says what it should be. */
export type Coercion = (cell: string) => JsonValue | undefined;

/**
 * One entry per column; `undefined` where cells stay strings: no schema, no type in it, or one that allows strings.
 * Numbers are JSON's own notation, booleans `true` and `false` in any case; an empty cell is `null` where the schema allows it.
 */
export function createCoercions(columns: readonly string[], schema: JsonSchema | undefined): readonly (Coercion | undefined)[] {
  const properties = typeof schema === "object" ? schema["properties"] : undefined;
  return columns.map((column) => {
    const property = isObject(properties) && Object.hasOwn(properties, column) ? properties[column] : undefined;
    if (!isObject(property)) return undefined;
    const types = [property["type"]].flat() as readonly (JsonValue | undefined)[];
    const isTurned = types.some((type) => type === "integer" || type === "number" || type === "boolean");
    return isTurned && !types.includes("string") ? (cell) => coerce(cell.trim(), cell, types) : undefined;
  });
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function coerce(trimmed: string, cell: string, types: readonly (JsonValue | undefined)[]): JsonValue | undefined {
  if (trimmed === "") return types.includes("null") ? null : undefined;
  if (types.includes("boolean") && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === "true";
  if ((types.includes("number") || types.includes("integer")) && NUMBER.test(trimmed)) return Number(trimmed);
  return cell;
}
