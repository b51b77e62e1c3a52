// A row's text → a JSON object, or the reason why it is none, with the column.

import { isUtf8 } from "node:buffer";
import type { JsonObject, JsonValue } from "../job/json.ts";

/** Deeper rows would overflow the stack of whoever writes them out again. */
const MAX_DEPTH = 200;

/** Reads one line. The reason names the column (in characters, from 1) where the JSON breaks. */
export function parseJsonObject(content: Buffer): { readonly object: JsonObject } | { readonly reason: string } {
  if (!isUtf8(content)) return { reason: "the line is not valid UTF-8" };
  const text = content.toString("utf8");
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    return { reason: describeSyntaxError(text, error as SyntaxError) };
  }
  if (!isObject(value)) return { reason: `the row must be a JSON object, not ${nameOf(value)}` };
  if (isDeeperThan(value, MAX_DEPTH)) return { reason: `the row is nested more than ${MAX_DEPTH} levels deep` };
  return { object: value };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The user's label: `id`, else `custom_id`, a string or a number. A number that JavaScript can't hold exactly is refused, not rounded. */
export function labelOf(object: JsonObject): { readonly id?: string } | { readonly reason: string } {
  const value = isLabel(object["id"]) ? object["id"] : object["custom_id"];
  if (!isLabel(value)) return {};
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    return { reason: "the id is a number too large to be exact: write it as a string" };
  return { id: String(value) };
}

function isLabel(value: JsonValue | undefined): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function nameOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return `a ${typeof value}`;
}

function isDeeperThan(value: JsonValue, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (limit === 0) return true;
  for (const child of Object.values(value)) if (isDeeperThan(child, limit - 1)) return true;
  return false;
}

function describeSyntaxError(text: string, error: SyntaxError): string {
  const [what = error.message] = error.message.split(/(?: in JSON)? at position \d|, (?:\.\.\.)?".*is not valid JSON$/s);
  const position = /at position (\d+)/.exec(error.message)?.[1];
  if (/end of JSON input/.test(what)) return "broken JSON: the line ends in the middle of it";
  const column = position === undefined ? columnOf(text, what) : Number(position) + 1;
  return column === undefined ? `broken JSON: ${what}` : `broken JSON at column ${column}: ${what}`;
}

/**
 * V8 leaves the position out of "Unexpected token" errors. A prefix fails with the same words exactly when it reaches the token,
 * so that halving finds it.
 */
function columnOf(text: string, what: string): number | undefined {
  if (text.length > 65_536 || !failsWith(text, what)) return undefined;
  let low = 1;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (failsWith(text.slice(0, middle), what)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function failsWith(text: string, what: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return (error as SyntaxError).message.startsWith(what);
  }
}
