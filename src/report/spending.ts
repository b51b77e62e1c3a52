// Where the money went. Every call is of one use, so that the uses add up to what was spent.
//
// A ledger entry alone doesn't say if its call's answer became the job's: the recorded result does. So the ledger says what was spent on asking, results
// say which of it led to answers, and what is left led to none. Neither has to be kept in memory for the other.

import type { LedgerEntry } from "../job/ledger.ts";
import type { Result } from "../job/result.ts";
import type { TrailEntry } from "../job/trail.ts";

/**
 * `answers`: the calls whose answers are the results · `agreement`: calls that were asked beside those and answered, in jobs that were answered · `failures`: led to no
 * answer (errors, answers that failed a check or a judgement, disagreement, jobs that failed) · `judging`, `repairs`, `analysis`: calls for that purpose, however they
 * ended · `duplicates`: paid beside the calls that led to a row's result · `uncertain`: cut off, at their estimates
 */
export const USES = ["answers", "agreement", "judging", "repairs", "analysis", "failures", "duplicates", "uncertain"] as const;
export type Use = (typeof USES)[number];

/** What the ledger tells; `asking` is divided by the results into answers, agreement and failures. */
export type LedgerUse = Exclude<Use, "answers" | "agreement" | "failures"> | "asking";

export function ledgerUse({ isDuplicate, outcome, purpose }: Pick<LedgerEntry, "isDuplicate" | "outcome" | "purpose">): LedgerUse {
  if (isDuplicate) return "duplicates";
  if (outcome === "uncertain") return "uncertain";
  switch (purpose) {
    case "answer":
    case "agree":
      return "asking";
    case "judge":
      return "judging";
    case "repair":
      return "repairs";
    case "analyse":
      return "analysis";
    default:
      return purpose satisfies never;
  }
}

export interface UsefulCall {
  readonly use: "answers" | "agreement";
  readonly entry: TrailEntry;
}

/** The calls of a result that led to its answer, of those that the ledger has under `asking`. */
export function usefulCalls(result: Result): readonly UsefulCall[] {
  const answering = answeringCall(result);
  if (!answering) return [];
  return result.trail.flatMap((entry): readonly UsefulCall[] => {
    if (entry === answering) return entry.purpose === "repair" ? [] : [{ use: "answers", entry }];
    return entry.purpose === "agree" && entry.outcome === "answered" ? [{ use: "agreement", entry }] : [];
  });
}

/** The call whose answer is the result's: the last one of its model that answered, and was asked for an answer. */
export function answeringCall(result: Result): TrailEntry | undefined {
  if (result.status !== "answered") return undefined;
  const { model, trail } = result;
  return trail.findLast((entry) => entry.model === model && entry.outcome === "answered" && isForAnswer(entry));
}

/** Asked for an answer, a first one or a mended one: what checks look at. */
export function isForAnswer({ purpose }: Pick<TrailEntry, "purpose">): boolean {
  return purpose === "answer" || purpose === "agree" || purpose === "repair";
}
