// The checks of what must stand in an answer and what must not.

import type { CheckSpec } from "../job/check-spec.ts";
import { createPartReader, quote, textsOf, type Check } from "./subject.ts";

export function createContainsCheck({ field, all, ignoreCase }: Extract<CheckSpec, { kind: "contains" }>): Check {
  const partOf = createPartReader(field);
  const fold = folding(ignoreCase);
  const wanted = all.map((text) => ({ text, folded: fold(text) }));
  return (subject) => {
    const part = partOf(subject);
    if (part.kind === "missing") return part.reason;
    const texts = textsOf(part.value).map(fold);
    const lacking = wanted.find(({ folded }) => !texts.some((text) => text.includes(folded)));
    return lacking && `${part.place}: doesn't contain ${quote(lacking.text)}`;
  };
}

/** A field that is missing contains nothing, so it passes; an answer without JSON has no fields and fails. */
export function createNotContainsCheck({ field, any, ignoreCase }: Extract<CheckSpec, { kind: "not-contains" }>): Check {
  const partOf = createPartReader(field);
  const fold = folding(ignoreCase);
  const unwanted = any.map((text) => ({ text, folded: fold(text) }));
  return (subject) => {
    const part = partOf(subject);
    if (part.kind === "missing") return subject.json === undefined ? part.reason : undefined;
    const texts = textsOf(part.value).map(fold);
    const found = unwanted.find(({ folded }) => texts.some((text) => text.includes(folded)));
    return found && `${part.place}: contains ${quote(found.text)}`;
  };
}

function folding(ignoreCase: boolean): (text: string) => string {
  return ignoreCase ? (text) => text.normalize("NFC").toLowerCase() : (text) => text.normalize("NFC");
}
