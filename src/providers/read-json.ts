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

/** More than any call can take: a larger count is none. */
const MOST_TOKENS = 1e9;

/** A count of tokens; undefined for what isn't one, whatever else a vendor sends: fractions, less than nothing, 1e400. */
export function asCount(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS ? value : undefined;
}

/**
 * The counts that make up what a call took: one that is left out, or null, is 0. Undefined where none is told or one can't be, and where all are 0:
 * no call takes nothing, so that the server doesn't know.
 */
export function readCounts<Name extends string>(
  values: Readonly<Record<Name, JsonValue | undefined>>,
): Readonly<Record<Name, number>> | undefined {
  const counts: [string, number][] = [];
  for (const [name, value] of Object.entries<JsonValue | undefined>(values)) {
    const count = asCount(value ?? 0);
    if (count === undefined) return undefined;
    counts.push([name, count]);
  }
  return counts.some(([, count]) => count > 0) ? (Object.fromEntries(counts) as Record<Name, number>) : undefined;
}
