// Answers to the same rows by several models: what trials have told of a task.

import type { TrialRow } from "./replay-trials.ts";

export interface Trials {
  readonly rows: readonly TrialRow[];
  /** Unix ms of the newest sample's first answer. */
  readonly at: number;
  /** They are rows of the file that is planned. */
  readonly isWithin?: true;
}

export const NO_TRIALS: Trials = { rows: [], at: 0 };
