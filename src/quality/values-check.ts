// The values check: the answer, a field or each item of a list is one of the values allowed, however it is written (see job/same-answer.ts).

import type { CheckSpec } from "../job/check-spec.ts";
import type { JsonValue } from "../job/json.ts";
import { canonicalValue, sameValue } from "../job/same-answer.ts";
import { createPartReader, quote, type Check } from "./subject.ts";

const MOST_LISTED = 8;

export function createValuesCheck({ field, values }: Extract<CheckSpec, { kind: "values" }>): Check {
  const partOf = createPartReader(field);
  const exact: ReadonlySet<JsonValue> = new Set(values);
  const canonical: ReadonlySet<string> = new Set(values.map(canonicalValue));
  const isAllowed = (value: JsonValue) =>
    exact.has(value) || canonical.has(canonicalValue(value)) || values.some((allowed) => sameValue(allowed, value));
  const listed = values.slice(0, MOST_LISTED).map(quote).join(", ") + (values.length > MOST_LISTED ? ", …" : "");
  return (subject) => {
    const part = partOf(subject);
    if (part.kind === "missing") return part.reason;
    const found: readonly JsonValue[] = Array.isArray(part.value) ? part.value : [part.value];
    const wrong = isAllowed(part.value) ? undefined : found.find((value) => !isAllowed(value));
    return wrong === undefined ? undefined : `${part.place}: ${quote(wrong)} is not one of ${listed}`;
  };
}
