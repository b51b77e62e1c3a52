// The length check: characters or words of a text, items of a list.

import type { CheckSpec } from "../job/check-spec.ts";
import type { JsonValue } from "../job/json.ts";
import { createPartReader, quote, textsOf, type Check } from "./subject.ts";

type LengthSpec = Extract<CheckSpec, { kind: "length" }>;

const words = new Intl.Segmenter("en", { granularity: "word" });
/** Scripts that put no space between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export function createLengthCheck({ field, unit, min = 0, max = Infinity }: LengthSpec): Check {
  const partOf = createPartReader(field);
  return (subject) => {
    const part = partOf(subject);
    if (part.kind === "missing") return part.reason;
    const length = lengthOf(part.value, unit);
    if (length === undefined) return `${part.place}: ${quote(part.value)} is not a list`;
    if (length >= min && length <= max) return undefined;
    const wanted = length < min ? `at least ${min}` : `at most ${max}`;
    const many = unit === "items" ? "" : `, from ${quote(textsOf(part.value).join(" "))}`;
    return `${part.place}: has ${length} ${length === 1 ? unit.slice(0, -1) : unit}, must have ${wanted}${many}`;
  };
}

function lengthOf(value: JsonValue, unit: LengthSpec["unit"]): number | undefined {
  if (unit === "items") return Array.isArray(value) ? value.length : undefined;
  const texts = textsOf(value);
  return texts.reduce((sum, text) => sum + (unit === "words" ? countWords(text) : countCharacters(text)), 0);
}

/** Characters as code points: an emoji of one is one. */
function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function countWords(text: string): number {
  if (!UNSPACED.test(text)) return (text.match(/\S+/g) ?? []).length;
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count++;
  return count;
}
