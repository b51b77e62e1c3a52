// One pass over a text, counting what tells of the work it asks for: words, numbers, operators, marks of code, questions, lists, scripts. Linear in the
// text's length, whatever the text.

import { CODE, CONSTRAINT, MATHEMATICS, STEPS, WORDS } from "./signal-words.ts";

export interface TextSignals {
  readonly words: number;
  readonly mathWords: number;
  readonly stepWords: number;
  readonly constraintWords: number;
  readonly codeWords: number;
  readonly numbers: number;
  /** `3 + 4`, `x^2`, `√`, `\frac`. */
  readonly operators: number;
  /** Marks that prose doesn't have: `();`, `=>`, `==`, `::`, fences, words_like_this and likeThis. */
  readonly codeMarks: number;
  readonly questions: number;
  /** Lines that begin as the items of a list do. */
  readonly items: number;
  /** Letters by script. */
  readonly scripts: ReadonlyMap<Script, number>;
  /** Of common words, by language. */
  readonly languages: ReadonlyMap<string, number>;
}

export type Script = "latin" | "cyrillic" | "greek" | "hebrew" | "arabic" | "devanagari" | "thai" | "kana" | "han" | "hangul";

/** The last code point of each stretch of Unicode that matters here, and whose letters it holds; what lies between is nobody's. */
const STRETCHES: readonly (readonly [last: number, script: Script | undefined])[] = [
  [0x24f, "latin"],
  [0x36f, undefined],
  [0x3ff, "greek"],
  [0x52f, "cyrillic"],
  [0x58f, undefined],
  [0x5ff, "hebrew"],
  [0x6ff, "arabic"],
  [0x8ff, undefined],
  [0x97f, "devanagari"],
  [0xdff, undefined],
  [0xe7f, "thai"],
  [0x1dff, undefined],
  [0x1eff, "latin"],
  [0x303f, undefined],
  [0x30ff, "kana"],
  [0x33ff, undefined],
  [0x9fff, "han"],
  [0xabff, undefined],
  [0xd7ff, "hangul"],
];
/** No word that means something here is longer; identifiers and base64 may be. */
const LONGEST_WORD = 24;
const MATH_SIGNS = new Set("√∑∫∏≤≥≠≈×÷π∞∂");
const CODE_PAIRS = new Set([
  "=>",
  "->",
  "==",
  "!=",
  "&&",
  "||",
  "::",
  "()",
  ");",
  "{}",
  "};",
  "</",
  "/>",
  "+=",
  "[]",
  "]:",
  "):",
  "//",
  "/*",
]);

/** Counts in one pass; the text should be short (job-text.ts). */
export function readSignals(text: string): TextSignals {
  const count = {
    words: 0,
    mathWords: 0,
    stepWords: 0,
    constraintWords: 0,
    codeWords: 0,
    numbers: 0,
    operators: 0,
    codeMarks: 0,
    questions: 0,
    items: 0,
  };
  const scripts = new Map<Script, number>();
  const languages = new Map<string, number>();
  let latin = 0;
  let isLineStart = true;
  /** The last thing before the present place was a number or a closing bracket: an operator may follow. */
  let isAfterOperand = false;

  const takeWord = (start: number, end: number) => {
    count.words++;
    if (end - start > LONGEST_WORD) return;
    const meaning = WORDS.get(text.slice(start, end).toLowerCase());
    if (!meaning) return;
    if (meaning.kinds & MATHEMATICS) count.mathWords++;
    if (meaning.kinds & STEPS) count.stepWords++;
    if (meaning.kinds & CONSTRAINT) count.constraintWords++;
    if (meaning.kinds & CODE) count.codeWords++;
    for (const language of meaning.languages) languages.set(language, (languages.get(language) ?? 0) + 1);
  };

  for (let i = 0; i < text.length;) {
    const code = text.charCodeAt(i);
    if (isLetter(code)) {
      const start = i;
      let humps = 0;
      for (let lower = 0; i < text.length; i++) {
        const next = text.charCodeAt(i);
        // A name such as PhD or iPhone has no two small letters before its capital.
        if (isUpper(next) && lower >= 2) humps++;
        if (next === UNDERSCORE && isLetter(text.charCodeAt(i + 1))) humps++;
        else if (!isLetter(next) && !(isDigit(next) && humps > 0) && next !== APOSTROPHE) break;
        if (next > 0x7f) addScript(scripts, next);
        else latin++;
        lower = isLower(next) ? lower + 1 : 0;
      }
      // JavaScript is a name; javaScript and NullPointerException are code.
      if (humps > (isUpper(code) ? 1 : 0)) count.codeMarks++;
      takeWord(start, i);
      isLineStart = isAfterOperand = false;
      continue;
    }
    if (isDigit(code)) {
      const start = i;
      while (i < text.length && (isDigit(text.charCodeAt(i)) || isPoint(text.charCodeAt(i)))) i++;
      count.numbers++;
      if (isLineStart && i - start <= 3 && (text.charCodeAt(i - 1) === DOT || text[i] === ")")) count.items++;
      isLineStart = false;
      isAfterOperand = true;
      continue;
    }
    const char = text[i]!;
    const pair = char + (text[i + 1] ?? "");
    i++;
    if (code === NEWLINE) isLineStart = true;
    else if (char === " " || char === "\t" || char === "\r") continue;
    else if (char === "?" || char === "？") count.questions++;
    else if (pair === "``") count.codeMarks++;
    else if (CODE_PAIRS.has(pair)) count.codeMarks++;
    else if (MATH_SIGNS.has(char) || char === "^" || (char === "\\" && isLetter(text.charCodeAt(i)))) count.operators++;
    else if (isLineStart && (char === "-" || char === "*" || char === "•")) count.items++;
    else if (isAfterOperand && "+*=<>".includes(char)) count.operators++;
    // Without a blank it is a date, a range or a telephone number.
    else if (isAfterOperand && (char === "-" || char === "/") && text[i - 2] === " ") count.operators++;
    else if (code > 0x7f) addScript(scripts, code);
    isLineStart = code === NEWLINE;
    isAfterOperand = char === ")";
  }
  if (latin > 0) scripts.set("latin", (scripts.get("latin") ?? 0) + latin);
  return { ...count, scripts, languages };
}

const NEWLINE = 0x0a;
const APOSTROPHE = 0x27;
const DOT = 0x2e;
const COMMA = 0x2c;
const UNDERSCORE = 0x5f;

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}
function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}
function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
function isPoint(code: number): boolean {
  return code === DOT || code === COMMA;
}
/** Letters of alphabets; signs of scripts without spaces (Thai, kana, Han) are counted one by one elsewhere. */
function isLetter(code: number): boolean {
  return (
    isLower(code) ||
    isUpper(code) ||
    (code >= 0xc0 && code <= 0x97f && code !== 0xd7 && code !== 0xf7) ||
    (code >= 0xac00 && code <= 0xd7a3)
  );
}

function addScript(scripts: Map<Script, number>, code: number): void {
  const script = STRETCHES.find(([last]) => code <= last)?.[1];
  if (script) scripts.set(script, (scripts.get(script) ?? 0) + 1);
}
