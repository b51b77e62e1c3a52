// The contract between a process's breaker (board-breaker.ts) and where the fleet's breakers are kept: counting, and setting a state only if
// nobody was faster. What a state means is breaker-machine.ts's concern.

import type { Tally } from "./breaker-machine.ts";

/** The field of a provider's own breaker, beside those of its models (by model id). */
export const WHOLE_PROVIDER = "*";

/** One provider's breakers, each as the text it is kept as, at a time of the board's own clock (unix ms). */
export interface BoardCopy {
  readonly now: number;
  readonly states: ReadonlyMap<string, string>;
}

export interface BreakerBoard {
  read(provider: string): Promise<BoardCopy>;
  /** Adds to the models' counts; answers with what the sliding window holds of them now. */
  count(
    provider: string,
    counts: ReadonlyMap<string, Tally>,
  ): Promise<{ readonly now: number; readonly windows: ReadonlyMap<string, Tally> }>;
  /**
   * Sets a breaker from `expected` to `next` (`undefined`: closed) if it still is what was expected. Answers with what it is afterwards.
   * Closing it also clears its counts.
   */
  swap(provider: string, field: string, expected: string | undefined, next: string | undefined): Promise<string | undefined>;
}
