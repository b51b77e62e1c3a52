// The contract between a process's breaker (board-breaker.ts) and where the fleet's breakers are kept: counting, and setting a state only if
// nobody was faster. What a state means is breaker-machine.ts's concern.

import type { ModelId } from "../job/names.ts";
import type { Tally, WindowTally } from "./tally.ts";

/** The field of a provider's own breaker, beside those of its models (by model id). */
export const WHOLE_PROVIDER = "*";

/** The breakers that a call of the model meets. */
export function fieldsAbove(model: ModelId): readonly string[] {
  return [WHOLE_PROVIDER, model];
}

/** What a field's breaker is of, by a name that no other has: a provider or a model. */
export function subjectOf(provider: string, field: string): string {
  return field === WHOLE_PROVIDER ? provider : field;
}

/** One provider's breakers, each as the text it is kept as, at a time of the board's own clock (unix ms). */
export interface BoardCopy {
  readonly now: number;
  readonly states: ReadonlyMap<string, string>;
}

export interface BreakerBoard {
  read(provider: string): Promise<BoardCopy>;
  /** Adds to the counts of some fields, each the tally of calls that began or ended one after the other; answers with what the sliding window holds of them now. */
  count(provider: string, counts: ReadonlyMap<string, Tally>): Promise<BoardCopy & { readonly windows: ReadonlyMap<string, WindowTally> }>;
  /**
   * Sets a breaker from `expected` to `next` (`undefined`: closed) if it still is what was expected. Answers with what it is afterwards.
   * Closing it also clears its counts.
   */
  swap(provider: string, field: string, expected: string | undefined, next: string | undefined): Promise<string | undefined>;
}
