// A parser for JSON as models write it: comments, trailing commas, other quotes, line breaks and quotes inside strings, Python's words.
//
// It takes a value as it stands and completes nothing: text that ends inside a value is `cut-off`. Linear time: it reads a value at most twice, and looks
// ahead by a bounded distance or over white space only.

import type { JsonValue } from "./json.ts";

export type LenientReading =
  /** `end` is the index after the value. */
  | { readonly kind: "value"; readonly json: JsonValue; readonly end: number }
  /** The text ends inside the value. */
  | { readonly kind: "cut-off" }
  /** `isJson`: enough of it was read to know that it was meant as JSON. */
  | { readonly kind: "broken"; readonly at: number; readonly isJson: boolean };

/** Objects and lists inside each other; deeper JSON is no answer. */
export const DEEPEST_JSON = 200;
const LONGEST_KEY = 120;
const CLOSING_QUOTES: Readonly<Record<string, string>> = { '"': '"', "'": "'", "“": '”"', "‘": "’'", "„": "“”" };
const WORDS: Readonly<Record<string, JsonValue>> = {
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
  null: null,
  None: null,
  NULL: null,
  undefined: null,
  NaN: null,
  nan: null,
  Infinity: null,
};
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", '"': '"', "'": "'", "/": "/", "\\": "\\" };
/** What ends a value, escape or key; sticky, so that nothing is searched for. */
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])/y;
const WORD = /[-+]?([A-Za-z]{3,9})(?!\w)/y;
const BARE_KEY = /[\p{L}\p{N}_$.-]{1,120}/uy;
/** After the comma behind a string: a next key, the end of the object (the comma was one too many), or a comment. */
const NEXT_KEY =
  /(?:"(?:[^"\\\n]|\\.){0,120}"|'(?:[^'\\\n]|\\.){0,120}'|“[^”\n]{0,120}”|‘[^’\n]{0,120}’|[\p{L}_$][\p{L}\p{N}_$-]{0,120})\s{0,20}:|\}|\/[/*]/uy;
const NEXT_KEY_QUOTED = /"(?:[^"\\\n]|\\.){1,120}"\s{0,20}:/y;

/** Thrown inside, so that depth needs no bookkeeping. */
type Stop = { readonly stop: "cut-off" } | { readonly stop: "broken" };

/**
 * Reads the value that begins at `start`, whatever follows it. A quote ends its string; only where that makes no JSON are quotes taken for text that JSON could
 * not go on behind.
 */
export function readLenientJson(text: string, start: number): LenientReading {
  const reading = readOnce(text, start, false);
  if (reading.kind !== "broken" || !reading.isJson) return reading;
  const second = readOnce(text, start, true);
  return second.kind === "broken" ? { ...second, at: Math.max(reading.at, second.at) } : second;
}

function readOnce(text: string, start: number, takesQuotes: boolean): LenientReading {
  let at = start;
  let isJson = false;

  try {
    const json = value("end", 0);
    return { kind: "value", json, end: at };
  } catch (error) {
    if (!isStop(error)) throw error;
    return error.stop === "cut-off" ? { kind: "cut-off" } : { kind: "broken", at: Math.max(at, start + 1), isJson };
  }

  function value(within: Within, depth: number): JsonValue {
    skip();
    const char = text[at] ?? fail("cut-off");
    if (char === "{") return object(depth);
    if (char === "[") return array(depth);
    if (char in CLOSING_QUOTES) return string(within);
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text)?.[0];
    if (number !== undefined) {
      at += number.length;
      if (at === text.length && within !== "end") fail("cut-off");
      const read = Number(number);
      return Number.isFinite(read) ? read : null;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(text);
    if (word?.[1] === undefined || !Object.hasOwn(WORDS, word[1])) {
      // A word that the end of the text may have cut short.
      fail(within !== "end" && /^[-+]?[\w.]*$/.test(text.slice(at, at + 12)) && text.length - at < 12 ? "cut-off" : "broken");
    }
    at += word[0].length;
    return WORDS[word[1]] ?? null;
  }

  function object(depth: number): JsonValue {
    if (depth >= DEEPEST_JSON) fail("broken");
    const out: Record<string, JsonValue> = {};
    at++;
    for (;;) {
      skip();
      if (text[at] === "}") {
        at++;
        return out;
      }
      const isQuoted = (text[at] ?? "") in CLOSING_QUOTES;
      const name = key();
      skip();
      if (at >= text.length) fail("cut-off");
      if (text[at] !== ":") fail("broken");
      at++;
      if (isQuoted) isJson = true;
      // As JSON.parse does: a property of the object itself, whatever its name.
      Object.defineProperty(out, name, { value: value("object", depth + 1), enumerable: true, writable: true, configurable: true });
      isJson = true;
      const end = at;
      skip();
      if (text[at] === ",") at++;
      else if (text[at] !== "}" && !(text.slice(end, at).includes("\n") && matches(NEXT_KEY_QUOTED, at))) {
        fail(at >= text.length ? "cut-off" : "broken");
      }
    }
  }

  function array(depth: number): JsonValue {
    if (depth >= DEEPEST_JSON) fail("broken");
    const out: JsonValue[] = [];
    at++;
    for (;;) {
      skip();
      if (text[at] === "]") {
        at++;
        return out;
      }
      out.push(value("array", depth + 1));
      skip();
      if (text[at] === ",") at++;
      else if (text[at] !== "]") fail(at >= text.length ? "cut-off" : "broken");
    }
  }

  function key(): string {
    const char = text[at] ?? fail("cut-off");
    if (!(char in CLOSING_QUOTES)) {
      BARE_KEY.lastIndex = at;
      const bare = BARE_KEY.exec(text)?.[0] ?? fail("broken");
      at += bare.length;
      return bare;
    }
    const closing = CLOSING_QUOTES[char] ?? char;
    for (let i = at + 1; i < text.length; i++) {
      if (text[i] === "\\") i++;
      else if (closing.includes(text[i] ?? "")) {
        const name = unescape(text.slice(at + 1, i));
        at = i + 1;
        return name;
      } else if (text[i] === "\n" || i - at > LONGEST_KEY) fail("broken");
    }
    return fail("cut-off");
  }

  /**
   * Quotes in text come in pairs, so behind an odd number of them no quote ends the string: a cut-off string that quotes JSON would otherwise seem to end
   * where the quoted JSON does.
   */
  function string(within: Within): string {
    const closing = CLOSING_QUOTES[text[at] ?? ""] ?? "";
    let inner = 0;
    for (let i = at + 1; i < text.length; i++) {
      if (text[i] === "\\") i++;
      else if (closing.includes(text[i] ?? "")) {
        if (inner % 2 === 0 && endsAt(i + 1, within)) {
          const read = unescape(text.slice(at + 1, i));
          at = i + 1;
          return read;
        }
        inner++;
      }
    }
    return fail("cut-off");
  }

  function endsAt(index: number, within: Within): boolean {
    if (!takesQuotes || within === "end") return true;
    const next = pastSpace(index);
    const char = text[next];
    if (char === undefined || (char === "/" && /[/*]/.test(text[next + 1] ?? ""))) return true;
    if (within === "array") return char === "," || char === "]";
    if (char === ",") return matches(NEXT_KEY, pastSpace(next + 1));
    return char === "}" || (next > index && matches(NEXT_KEY_QUOTED, next));
  }

  function skip(): void {
    for (;;) {
      at = pastSpace(at);
      if (text[at] !== "/") return;
      const isLine = text[at + 1] === "/";
      if (!isLine && text[at + 1] !== "*") return;
      const end = text.indexOf(isLine ? "\n" : "*/", at + 2);
      if (end === -1) fail("cut-off");
      at = end + (isLine ? 1 : 2);
    }
  }

  function pastSpace(index: number): number {
    let i = index;
    while (i < text.length && isSpace(text.charCodeAt(i))) i++;
    return i;
  }

  function matches(pattern: RegExp, index: number): boolean {
    pattern.lastIndex = index;
    return pattern.test(text);
  }
}

type Within = "object" | "array" | "end";

function fail(stop: Stop["stop"]): never {
  throw { stop } satisfies Stop;
}

function isStop(error: unknown): error is Stop {
  return typeof error === "object" && error !== null && "stop" in error;
}

/** White space of any kind, and the byte order mark. */
function isSpace(code: number): boolean {
  return (
    code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0xfeff || (code >= 0x2000 && code <= 0x200b) || code === 0x3000
  );
}

/** An escape that JSON doesn't know stays as it is: `\(` of LaTeX. */
function unescape(raw: string): string {
  if (!raw.includes("\\")) return raw;
  return raw.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|([\s\S]))/g, (whole, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? (ESCAPES[char ?? ""] ?? whole) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
