// The words of a report, the same on the terminal and on the page.

import type { GroupValue } from "./dimension.ts";
import { formatUsd } from "./format.ts";
import type { Use } from "./spending.ts";

export const USE_WORDS: Readonly<Record<Use, { readonly name: string; readonly meaning: string }>> = {
  answers: { name: "answers", meaning: "calls whose answers are the results" },
  agreement: { name: "agreement", meaning: "further calls of steps in which models must agree" },
  failures: { name: "failures", meaning: "calls that led to no answer" },
  judging: { name: "judging", meaning: "answers scored by another model" },
  repairs: { name: "repairs", meaning: "answers sent back to their model once" },
  analysis: { name: "analysis", meaning: "models asked how hard a job is" },
  duplicates: { name: "duplicates", meaning: "calls paid beside those that led to a row’s result" },
  uncertain: { name: "uncertain", meaning: "calls that were cut off, at their estimates" },
};

export const NOTHING = "–";

/** A group's value, for people. */
export function shownValue(value: GroupValue): string {
  return value ?? NOTHING;
}

/** What a saving takes for granted. */
export function baselineAssumption(model: string): string {
  return (
    `Assumes that ${model} had answered every answered job with its first call, using as many tokens of each kind as the call that did answer; ` +
    `no failures, checks or judging on its side, all of them on ours.`
  );
}

/** `saved $1.20`, or `$0.30 dearer`. */
export function savingWords(savedNanoUsd: number): string {
  return savedNanoUsd >= 0 ? `saved ${formatUsd(savedNanoUsd)}` : `${formatUsd(-savedNanoUsd)} dearer`;
}
