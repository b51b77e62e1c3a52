// The contract of a source of answers, and the order in which sources are asked: recording, answer key, requested schema, plain text.

import type { Ask } from "./ask.ts";

/** The model asked, as far as sources care. */
export interface AskedModel {
  readonly name: string;
  readonly recordedAs: string | undefined;
  readonly accuracy: number;
}

export interface SourcedAnswer {
  readonly source: "recording" | "answer-key" | "schema" | "text";
  /** For an asked JSON shape: the JSON. */
  readonly text: string;
  /** Counts of a recording; absent: estimated by characters. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

export interface AnswerSource {
  /** Undefined: not known here, ask the next source. The same ask gives the same answer. */
  answer(ask: Ask, model: AskedModel): SourcedAnswer | undefined;
}

/** The first source that knows an answer gives it; the last must know one always. */
export function firstOf(sources: readonly AnswerSource[]): AnswerSource {
  return {
    answer(ask, model) {
      for (const source of sources) {
        const answer = source.answer(ask, model);
        if (answer) return answer;
      }
      return undefined;
    },
  };
}
