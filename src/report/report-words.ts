// The words of a report, the same on the terminal and on the page.

import type { GroupValue } from "./dimension.ts";
import { formatCount, formatUsd } from "./format.ts";
import type { MoneyUse } from "./money-uses.ts";
import type { SpendingReport } from "./spending-report.ts";

export const USE_WORDS: Readonly<Record<MoneyUse, { readonly name: string; readonly meaning: string }>> = {
  answers: { name: "answers", meaning: "calls whose answers are the results" },
  agreement: { name: "agreement", meaning: "further calls of steps in which models must agree" },
  failures: { name: "failures", meaning: "calls that led to no answer" },
  judging: { name: "judging", meaning: "answers scored by another model" },
  repairs: { name: "repairs", meaning: "answers sent back to their model once" },
  analysis: { name: "analysis", meaning: "models asked how hard a job is" },
  duplicates: { name: "duplicates", meaning: "calls paid beside those that led to a row’s result" },
  uncertain: { name: "uncertain", meaning: "calls that were cut off, at their estimates" },
  undivided: { name: "not divided", meaning: "answered calls of rows that have no result here" },
};

export const NOTHING = "–";

/** What moves a terminal's cursor, ends a line or turns the direction of writing; and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Surrogate}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu;

/** A group's value, for people. One that can't be printed as it is, or looks like something else, stands in quotes, with escapes: so no two look alike. */
export function shownValue(value: GroupValue): string {
  if (value === null) return NOTHING;
  const isPlain = value !== "" && value !== NOTHING && value.trim() === value && !value.startsWith('"') && value.search(UNPRINTABLE) === -1;
  return isPlain ? value : JSON.stringify(value).replaceAll(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** What is behind the part of the cost that no vendor has told. */
export function estimatedWords(calls: number): string {
  return `of it, for ${formatCount(calls)} call${calls === 1 ? "" : "s"} cut off or answered without usage`;
}

/** What a report lacks where the store keeps results and the ledger for different times, or the batch still runs; empty where it lacks nothing. */
export function missingWords({ total, answersWithoutCall }: Pick<SpendingReport, "total" | "answersWithoutCall">): string {
  const { undivided } = total.spent;
  const isSavingUnknown = total.baseline !== undefined && total.baseline.savedNanoUsd === undefined;
  const withoutResult = `${formatCount(undivided.calls)} answered calls are of rows without a result: it was deleted, or the batch still runs. What they led to is not known, and the cost per answered job is lower than shown.`;
  const withoutCall = `${formatCount(answersWithoutCall)} answers are there whose calls the ledger no longer has: what they cost is not in here.${total.baseline && !isSavingUnknown ? " Less was saved than shown." : ""}`;
  const withoutSaving = `What was saved is not shown: rows whose answers were paid have no result here, and the other model’s cost is made of results alone.`;
  return [
    ...(undivided.calls > 0 ? [withoutResult] : []),
    ...(answersWithoutCall > 0 ? [withoutCall] : []),
    ...(isSavingUnknown ? [withoutSaving] : []),
  ].join(" ");
}

/** What a saving takes for granted. */
export function baselineAssumption(model: string): string {
  return (
    `Assumes that ${model} had answered every answered job with its first call, using as many tokens of each kind as the call that did answer; ` +
    `no failures, checks or judging on its side, all of them on ours.`
  );
}

/** `saved $1.20`, or `$0.30 dearer`; where it isn't known, what the cost beside it is of. */
export function savingWords(savedNanoUsd: number | undefined): string {
  if (savedNanoUsd === undefined) return "for the jobs with results only";
  return savedNanoUsd >= 0 ? `saved ${formatUsd(savedNanoUsd)}` : `${formatUsd(-savedNanoUsd)} dearer`;
}
