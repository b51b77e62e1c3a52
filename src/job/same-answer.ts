// When two answers are the same, however they are written: "$18" and 18.00, "Billing." and billing, [1,2] and "[1, 2]".

import type { JsonObject, JsonValue } from "./json.ts";
import type { Answer } from "./outcome.ts";
import { readTextQuantity } from "./quantity-text.ts";

/**
 * Whether two answers say the same, in the fields named (all of them) or as a whole. An answer that has none of the fields, or no text, is the same
 * as none. Finds a little more than {@link comparable}: see {@link sameValue}.
 */
export function sameAnswer(a: Answer, b: Answer, on?: readonly string[]): boolean {
  const left = comparedOf(a, on);
  const right = comparedOf(b, on);
  return left !== undefined && right !== undefined && left.every((value, i) => sameValue(value, right[i] ?? null));
}

/**
 * The answer as a canonical text: equal texts mean the same answer. Undefined where there is nothing to compare, which agrees with nothing.
 * A unit counts here ("10 days" is neither "10" nor "10 hours"), since being equal to both would make those two equal.
 */
export function comparable(answer: Answer, on?: readonly string[]): string | undefined {
  return comparedOf(answer, on)?.map(canonicalValue).join("\u0000");
}

/**
 * Whether two values say the same: their canonical texts are equal, or one is the other's number without its unit ("10" and "10 days"; a percentage keeps its
 * sign), or its literal without the quotes. So "10" is "10 days" and "10 hours", which are not each other: of three answers compare every two.
 */
export function sameValue(a: JsonValue, b: JsonValue): boolean {
  const left = canonicalValue(a);
  const right = canonicalValue(b);
  if (left === right || isSameLiteral(a, b)) return true;
  const first = quantityOf(a);
  const second = first && quantityOf(b);
  if (!first || !second || first.decimal !== second.decimal || first.unit === "%" || second.unit === "%") return false;
  return first.unit === "" || second.unit === "";
}

/** To the letter, one in quotes and one not, or both: only here does white space at the ends count for something without quotes. */
function isSameLiteral(a: JsonValue, b: JsonValue): boolean {
  return typeof a === "string" && typeof b === "string" && (unquote(a) ?? a) === (unquote(b) ?? b);
}

/** The values that are compared. A field that is missing is null, unless all are. */
function comparedOf({ text, json }: Answer, on: readonly string[] | undefined): readonly JsonValue[] | undefined {
  if (on === undefined) return json !== undefined ? [json] : text.trim() === "" ? undefined : [text];
  const values = on.map((path) => at(json, path));
  return values.some((value) => value !== undefined) ? values.map((value) => value ?? null) : undefined;
}

function at(json: JsonValue | undefined, path: string): JsonValue | undefined {
  let value = json;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** The value as a canonical text: equal texts mean the same value. */
export function canonicalValue(value: JsonValue): string {
  if (typeof value === "string") return canonicalText(value);
  if (typeof value === "number") return String(Object.is(value, -0) ? 0 : value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => canonicalItem(item)).join(",")}]`;
  const entries = Object.entries(value).map(([key, item]) => `${canonicalItem(key)}:${canonicalItem(item)}`);
  return `{${entries.toSorted().join(",")}}`;
}

/** Inside a list or an object text keeps its quotes, so that it can't be taken for structure. */
function canonicalItem(value: JsonValue): string {
  return typeof value === "string" && !readTextQuantity(value) ? JSON.stringify(canonicalValue(value)) : canonicalValue(value);
}

function quantityOf(value: JsonValue) {
  if (typeof value === "number") return { decimal: canonicalValue(value), unit: "" };
  return typeof value === "string" ? readTextQuantity(bare(value)) : undefined;
}

function canonicalText(text: string): string {
  const plain = bare(text);
  const quantity = readTextQuantity(plain);
  // The dollar is the unit that models leave out.
  if (quantity) return quantity.unit === "" || quantity.unit === "usd" ? quantity.decimal : `${quantity.decimal} ${quantity.unit}`;
  return /^[[({]/.test(plain) ? canonicalLiteral(plain) : foldCase(plain);
}

/**
 * The text without what stands around it: white space, a full stop, Markdown's stars, quotes. White space counts only in quotes, where it is
 * part of a literal; elsewhere runs of it count as one space.
 */
function bare(text: string): string {
  const normal = text.normalize("NFC");
  const literal = unquote(normal.trim());
  if (literal !== undefined) return withoutStop(literal);
  const tidy = normal.trim().replaceAll(/\s+/g, " ");
  const plain = withoutStop(tidy.length > 4 && tidy.startsWith("**") && tidy.endsWith("**") ? tidy.slice(2, -2).trim() : tidy);
  return unquote(plain) ?? plain;
}

const QUOTES: ReadonlySet<string> = new Set(['""', "''", "``", "“”", "‘’", "«»", "„“", "「」"]);

/** What the quotes around a text hold; undefined where there are none. */
function unquote(text: string): string | undefined {
  return text.length > 1 && QUOTES.has(`${text.at(0)}${text.at(-1)}`) ? text.slice(1, -1) : undefined;
}

/** An ellipsis stays. */
function withoutStop(text: string): string {
  return text.length > 1 && text.endsWith(".") && text.at(-2) !== "." ? text.slice(0, -1) : text;
}

/** "Billing", "BILLING" and "billing" are one word; where capitals stand inside of a word ("iPhone", an identifier) they mean something. */
function foldCase(text: string): string {
  return text.replaceAll(/\p{L}+/gu, (word) => (/^(?:\p{Lu}+|\p{Lu}?\P{Lu}*)$/u.test(word) ? word.toLowerCase() : word));
}

/** A list or an object as text, of JSON or of Python: white space outside of its strings and the kind of quotes don't count. */
function canonicalLiteral(text: string): string {
  const parts = text.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"'\s]+|["']/g) ?? [];
  return parts
    .map((part) => (/^(["']).*\1$/s.test(part) && part.length > 1 ? JSON.stringify(foldCase(part.slice(1, -1))) : foldCase(part)))
    .join("");
}
