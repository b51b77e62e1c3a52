// Of how many answers a plan knows, where it goes by what the fleet has learned of single models.

import type { ModelId } from "../job/names.ts";

export interface KnownAnswers {
  /** Fewest of a model of which any are known; 0: none was ever seen. */
  readonly answers: number;
  /** Models of which none is known. */
  readonly unseen: readonly ModelId[];
}

export function knownAnswers(models: Iterable<ModelId>, answersOf: (model: ModelId) => number): KnownAnswers {
  const known = Array.from(new Set(models), (model) => ({ model, answers: Math.round(answersOf(model)) }));
  const seen = known.flatMap(({ answers }) => (answers > 0 ? [answers] : []));
  return {
    answers: seen.length === 0 ? 0 : Math.min(...seen),
    unseen: known.flatMap(({ model, answers }) => (answers > 0 ? [] : [model])),
  };
}
