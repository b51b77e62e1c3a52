// The pattern check: the answer, a field or each item of a list matches a regular expression somewhere.

import type { CheckSpec } from "../job/check-spec.ts";
import { createPartReader, quote, textsOf, type Check } from "./subject.ts";

/** Throws where the pattern is wrong. */
export function createPatternCheck({
  field,
  pattern,
  flags = "",
}: Pick<Extract<CheckSpec, { kind: "pattern" }>, "field" | "pattern" | "flags">): Check {
  const partOf = createPartReader(field);
  const expression = new RegExp(pattern, flags);
  return (subject) => {
    const part = partOf(subject);
    if (part.kind === "missing") return part.reason;
    const wrong = textsOf(part.value).find((text) => !expression.test(text));
    return wrong === undefined ? undefined : `${part.place}: ${quote(wrong)} doesn't match ${quote(pattern)}`;
  };
}
