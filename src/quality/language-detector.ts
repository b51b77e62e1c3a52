// The language detector: ELD (Nito-ELD, n-grams of 60 languages). It takes linear time on any text, but the better part of a second to load, in which nothing
// else runs: so it is loaded only where a task has a language check, and when that check is made rather than at its first answer.

export interface LanguageReading {
  /** ISO 639-1; undefined where the text doesn't say clearly. */
  readonly language: string | undefined;
  /** By language, 0 to 1. */
  readonly scores: Readonly<Record<string, number>>;
}

export type LanguageDetector = (text: string) => LanguageReading;

let detector: LanguageDetector | undefined;
let loading: Promise<LanguageDetector> | undefined;

/** At once where it is loaded already. */
export function languageDetector(): LanguageDetector | Promise<LanguageDetector> {
  return detector ?? (loading ??= load());
}

async function load(): Promise<LanguageDetector> {
  const { eld } = await import("eld/small");
  detector = (text) => {
    const result = eld.detect(text);
    return { language: result.isReliable() ? result.language : undefined, scores: result.getScores() };
  };
  return detector;
}
