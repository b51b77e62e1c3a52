// The languages of a text, from its script and its commonest words: a guess, good for a sentence or more, and none where it isn't clear.

import type { Script, TextSignals } from "./text-signals.ts";

/** Scripts that one large language has nearly to itself. */
const SCRIPT_LANGUAGES: Readonly<Partial<Record<Script, string>>> = {
  cyrillic: "ru",
  greek: "el",
  hebrew: "he",
  arabic: "ar",
  devanagari: "hi",
  thai: "th",
  hangul: "ko",
  han: "zh",
};
/** A script with less than this share of the letters is a word here and there. */
const LEAST_SHARE = 0.1;
const LEAST_LETTERS = 6;
/** So many common words of a language must be there, and the next language have clearly fewer. */
const LEAST_WORDS = 2;
const CLEARLY = 1.25;

export interface LanguageGuess {
  /** ISO 639-1; absent where it isn't clear. */
  readonly language?: string;
  /** It is written in more than one script. */
  readonly isMixed: boolean;
}

export function guessLanguage({ scripts, languages }: Pick<TextSignals, "scripts" | "languages">): LanguageGuess {
  const letters = [...scripts.values()].reduce((sum, count) => sum + count, 0);
  // Greek letters stand in formulas.
  const present = Array.from(scripts)
    .filter(([script, count]) => count >= LEAST_LETTERS && count >= letters * (script === "greek" ? 0.3 : LEAST_SHARE))
    .toSorted(([, a], [, b]) => b - a)
    .map(([script]) => script);
  const [first] = present;
  if (first === undefined) return { isMixed: false };
  // Japanese is written in both.
  const isJapanese = present.includes("kana");
  const others = present.filter((script) => !(isJapanese && (script === "kana" || script === "han")));
  const isMixed = others.length + (isJapanese ? 1 : 0) > 1;
  if (isJapanese && (first === "kana" || first === "han")) return { language: "ja", isMixed };
  if (first !== "latin") {
    const language = SCRIPT_LANGUAGES[first];
    return { ...(language === undefined ? {} : { language }), isMixed };
  }
  const [best, second] = Array.from(languages).toSorted(([, a], [, b]) => b - a);
  if (!best || best[1] < LEAST_WORDS) return { isMixed };
  const isClear = !second || best[1] >= second[1] * CLEARLY;
  return { ...(isClear ? { language: best[0] } : {}), isMixed };
}
