// Finds the JSON in a model's answer: alone, in a Markdown fence, or amid prose.
//
// What was cut off is never read, nor is a whole object inside of one that was cut off or broken. Linear time: every character is passed once or twice.

import type { JsonValue } from "./json.ts";
import { DEEPEST_JSON, readLenientJson } from "./lenient-json.ts";

export type AnswerJson =
  | { readonly kind: "read"; readonly json: JsonValue }
  /** The text ends inside of the JSON. */
  | { readonly kind: "cut-off" }
  | { readonly kind: "none" };

interface Candidate {
  readonly json: JsonValue;
  readonly isFenced: boolean;
}

const FENCE = "```";

/**
 * The JSON of an answer. Where it holds several values: the last in a fence, else the last object. `fits`, where given, says which are wanted: then the last
 * that fits (also when it stands alone in a list, or as text in a string), and only for want of one the above.
 */
export function readAnswerJson(text: string, fits?: (json: JsonValue) => boolean): AnswerJson {
  const whole = readWhole(text);
  if (whole && (!fits || fits(whole.json))) return { kind: "read", json: whole.json };
  const { candidates, isCutOff } = whole ? { candidates: [{ ...whole, isFenced: true }], isCutOff: false } : findCandidates(text);
  if (isCutOff) return { kind: "cut-off" };
  const found = fits ? (pick(candidates, fits) ?? pickUnwrapped(candidates, fits)) : undefined;
  if (found !== undefined) return { kind: "read", json: found };
  const usual =
    pick(candidates, (json) => !Array.isArray(json)) ??
    pick(
      candidates.filter((each) => each.isFenced || fits),
      () => true,
    );
  return usual === undefined ? { kind: "none" } : { kind: "read", json: usual };
}

/** The text is one value, with nothing around it but white space and one fence. */
function readWhole(text: string): { readonly json: JsonValue } | undefined {
  const bare = unfence(text.trim());
  try {
    const json = JSON.parse(bare) as JsonValue;
    return isTooDeep(json, bare.length) ? undefined : { json };
  } catch {
    const start = bare.length - bare.trimStart().length;
    if (!/[[{"“]/.test(bare[start] ?? "")) return undefined;
    const reading = readLenientJson(bare, start);
    return reading.kind === "value" && bare.slice(reading.end).trim() === "" ? { json: reading.json } : undefined;
  }
}

/** JSON.parse takes any depth; whoever walks the value after it has a stack. */
function isTooDeep(json: JsonValue, characters: number): boolean {
  if (characters < 2 * DEEPEST_JSON) return false;
  let level: readonly JsonValue[] = [json];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST_JSON) return true;
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return false;
}

/** Not a regular expression: on a model's endless white space one would take quadratic time. */
function unfence(text: string): string {
  const firstLineEnd = text.indexOf("\n");
  const isFenced = text.startsWith(FENCE) && text.endsWith(FENCE) && firstLineEnd !== -1 && firstLineEnd < text.length - FENCE.length;
  return isFenced ? text.slice(firstLineEnd + 1, -FENCE.length) : text;
}

function findCandidates(text: string): { readonly candidates: readonly Candidate[]; readonly isCutOff: boolean } {
  const candidates: Candidate[] = [];
  let fence = -1;
  // Behind JSON that is broken only a fence says that other JSON begins, and not a part of the broken.
  let needsFence = false;
  for (let at = 0; at < text.length;) {
    const char = text[at];
    if (char === "`" && text.startsWith(FENCE, at)) {
      fence = at = at + FENCE.length;
      continue;
    }
    const isFenced = fence !== -1 && at - fence < 60 && /^[\w-]*\s*$/.test(text.slice(fence, at));
    if ((char !== "{" && char !== "[") || (needsFence && !isFenced)) {
      at++;
      continue;
    }
    const reading = readLenientJson(text, at);
    if (reading.kind === "cut-off") return { candidates: [], isCutOff: true };
    if (reading.kind === "value") {
      candidates.push({ json: reading.json, isFenced });
      at = reading.end;
      needsFence = false;
    } else {
      at = reading.at;
      needsFence ||= reading.isJson;
    }
  }
  return { candidates, isCutOff: false };
}

/** The last that is wanted; those in fences go first. */
function pick(candidates: readonly Candidate[], isWanted: (json: JsonValue) => boolean): JsonValue | undefined {
  const wanted = candidates.filter(({ json }) => isWanted(json));
  return (wanted.findLast((each) => each.isFenced) ?? wanted.at(-1))?.json;
}

function pickUnwrapped(candidates: readonly Candidate[], fits: (json: JsonValue) => boolean): JsonValue | undefined {
  const unwrapped = candidates.flatMap(({ json, isFenced }) => {
    const inside = unwrap(json);
    return inside === undefined ? [] : [{ json: inside, isFenced }];
  });
  return pick(unwrapped, fits);
}

/** The only item of a list; the JSON that a string holds. */
function unwrap(json: JsonValue): JsonValue | undefined {
  if (Array.isArray(json)) return json.length === 1 ? (json[0] as JsonValue) : undefined;
  if (typeof json !== "string" || !/^\s*[[{]/.test(json)) return undefined;
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    return undefined;
  }
}
