// The language detector: ELD (Nito-ELD, n-grams of 60 languages). It takes linear time on any text, and about a second to load, so it is loaded when the
// first language check is made.

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
