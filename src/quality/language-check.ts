// The language check: the answer or a field is in one of the languages allowed.

import type { CheckSpec } from "../job/check-spec.ts";
import { languageCode } from "./language-codes.ts";
import { languageDetector, type LanguageDetector } from "./language-detector.ts";
import { createPartReader, quote, textsOf, type Check } from "./subject.ts";

/** What is looked at of a long text. */
const MOST_CHARACTERS = 2_000;
/** A label, a name or a number has no language to speak of. Scripts without an alphabet say more by the letter. */
const FEWEST_LETTERS = 24;
const FEWEST_SIGNS = 6;
/** How far the language found must lie above each one allowed: close relatives (Danish and Norwegian) are told apart badly. */
const CLEAR_MARGIN = 0.08;
const FENCE = "```";

/**
 * Fails only where the text is clearly in another language: unsure detection passes, and so do texts of a few words, names and code in fences. So it catches the
 * answer that is in English by mistake, not the English word in a German one.
 */
export function createLanguageCheck({ field, languages }: Pick<Extract<CheckSpec, { kind: "language" }>, "field" | "languages">): Check {
  const partOf = createPartReader(field);
  // A failure to load is the check's, which asks again.
  void Promise.resolve(languageDetector()).catch(() => undefined);
  const allowed = new Set(languages.map((code) => languageCode(code) ?? code));
  const whyWrong = (text: string, place: string, detect: LanguageDetector): string | undefined => {
    const { language, scores } = detect(text);
    if (language === undefined || allowed.has(language)) return undefined;
    const found = scores[language] ?? 0;
    const isClear = [...allowed].every((code) => found - (scores[code] ?? 0) >= CLEAR_MARGIN);
    return isClear ? `${place}: is in ${language}, must be in ${languages.join(" or ")}: ${quote(text.trim())}` : undefined;
  };
  return (subject) => {
    const part = partOf(subject);
    if (part.kind === "missing") return part.reason;
    const text = prose(textsOf(part.value).join("\n"));
    if (!isTelling(text)) return undefined;
    const detector = languageDetector();
    return typeof detector === "function"
      ? whyWrong(text, part.place, detector)
      : detector.then((detect) => whyWrong(text, part.place, detect));
  };
}

/** The text without the code in its fences, and not all of it. */
function prose(text: string): string {
  const parts = text.includes(FENCE) ? text.split(FENCE).filter((_, i) => i % 2 === 0) : [text];
  return parts.join("\n").slice(0, MOST_CHARACTERS);
}

function isTelling(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const signs = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/gu)?.length ?? 0;
  return letters >= FEWEST_LETTERS || signs >= FEWEST_SIGNS;
}
