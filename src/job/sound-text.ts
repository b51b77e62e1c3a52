// Text that every store and every reader takes: PostgreSQL's has no NUL, UTF-8 no half of a surrogate pair, and readers of JSON refuse the escapes of both. `\uFFFD` (�) stands
// in their place.

import type { JsonValue } from "./json.ts";

const REPLACEMENT = "\uFFFD";

/** Of whole pairs too; most texts have none, and are looked at once. */
const HALVES = /[\uD800-\uDFFF]/;

/** Of what should be a text, and came in unlooked at: a row's tag from JavaScript may be anything. What is no text is taken for its JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

export function soundText(text: string): string {
  const whole = HALVES.test(text) ? text.replaceAll(/\p{Surrogate}/gu, REPLACEMENT) : text;
  return whole.includes("\0") ? whole.replaceAll("\0", REPLACEMENT) : whole;
}

/** A value as JSON all of whose texts are sound, the names of its fields too. */
export function soundJson(value: JsonValue | object): string {
  return mended(JSON.stringify(value));
}

/** The value itself, unless a text in it is not sound. */
export function soundValue<Value extends JsonValue | object>(value: Value): Value {
  const text = JSON.stringify(value);
  const sound = mended(text);
  return sound === text ? value : (JSON.parse(sound) as Value);
}

/** JSON.stringify writes both as escapes. */
function mended(json: string): string {
  return json.replaceAll(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === "\\\\" ? found : REPLACEMENT));
}
