// What a check looks at: an answer, its JSON where there is some, and the row. And how it gets at the part that it is about.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { FinishReason } from "../job/outcome.ts";

export interface Subject {
  readonly text: string;
  readonly finish: FinishReason;
  /** Undefined where none could be read; `whyNoJson` then says why. */
  readonly json: JsonValue | undefined;
  readonly whyNoJson: string;
  /** The row. */
  readonly input: JsonValue;
}

/** Undefined passes; a reason fails. The model may be asked to repair its answer by that reason, so it says what is wrong with what. */
export type Check = (subject: Subject) => string | undefined | Promise<string | undefined>;

export type Part =
  /** `place` names it in reasons. A field that leads through a list has a value for each of its items. */
  { readonly kind: "found"; readonly place: string; readonly value: JsonValue } | { readonly kind: "missing"; readonly reason: string };

const LONGEST_QUOTE = 60;

/** Finds the part of an answer that a check is about: its text or, by a path of names with dots, a field of its JSON. */
export function createPartReader(field: string | undefined): (subject: Subject) => Part {
  if (field === undefined) return ({ text }) => ({ kind: "found", place: "the answer", value: text });
  const path = field.split(".");
  return ({ json, whyNoJson }) => {
    if (json === undefined) return { kind: "missing", reason: whyNoJson };
    const value = valueAt(json, path);
    return value === undefined ? { kind: "missing", reason: `${field}: is missing` } : { kind: "found", place: field, value };
  };
}

/** The value at a path; through a list, those of all its items that have one. Own properties only. */
function valueAt(json: JsonValue, path: readonly string[]): JsonValue | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return json;
  if (Array.isArray(json)) {
    const items: readonly JsonValue[] = json;
    const found = items.flatMap((item) => valueAt(item, path) ?? []);
    return found.length === 0 && items.length > 0 ? undefined : found;
  }
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, name)) return undefined;
  const inside = (json as JsonObject)[name];
  return inside === undefined ? undefined : valueAt(inside, rest);
}

/** The texts of a value: itself, or those of the items of a list. Other values as JSON. */
export function textsOf(value: JsonValue): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => textsOf(item));
  return [typeof value === "string" ? value : JSON.stringify(value)];
}

/** A value in a reason: as JSON, and not all of it where it is long. */
export function quote(value: JsonValue): string {
  const isLong = typeof value === "string" && value.length > LONGEST_QUOTE;
  const text = JSON.stringify(isLong ? value.slice(0, LONGEST_QUOTE) : value);
  if (isLong) return `${text}…`;
  return typeof value === "string" || text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}
