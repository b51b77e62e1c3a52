// Lenient reading of what vendors send: a value of the expected type, or undefined.

import type { JsonObject, JsonValue } from "../job/json.ts";

export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

export function asArray(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : undefined;
}

/** A string that says something. */
export function asText(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A count of tokens; anything else a vendor may send is none. */
export function asCount(value: JsonValue | undefined): number {
  return typeof value === "number" && value > 0 ? Math.round(value) : 0;
}
