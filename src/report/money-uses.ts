// What money was spent on. Every call is of one use, so that the uses add up to what was spent.
//
// A ledger entry alone doesn't say if its call's answer became the job's: the recorded result does (answer-marks.ts).

import type { LedgerEntry } from "../job/ledger.ts";
import type { AnswerMarks } from "./answer-marks.ts";

/**
 * `answers`: the calls whose answers are the results · `agreement`: calls that were asked beside those and answered, in jobs that were answered · `failures`: led to no
 * answer (errors, answers that failed a check or a judgement, disagreement, jobs that failed) · `judging`, `repairs`, `analysis`: calls for that purpose, however they
 * ended · `duplicates`: paid beside the calls that led to a row's result · `uncertain`: cut off, at their estimates · `undivided`: answered, and their rows have no result
 * that could say what for
 */
export const MONEY_USES = [
  "answers",
  "agreement",
  "judging",
  "repairs",
  "analysis",
  "failures",
  "duplicates",
  "uncertain",
  "undivided",
] as const;
export type MoneyUse = (typeof MONEY_USES)[number];

/** `marks`: of the results of the entry's batch. */
export function moneyUse(entry: LedgerEntry, marks: Pick<AnswerMarks, "roleOf" | "hasResult">): MoneyUse {
  if (entry.isDuplicate) return "duplicates";
  if (entry.outcome === "uncertain") return "uncertain";
  switch (entry.purpose) {
    case "judge":
      return "judging";
    case "repair":
      return "repairs";
    case "analyse":
      return "analysis";
    case "answer":
    case "agree":
      break;
    default:
      entry.purpose satisfies never;
  }
  // What was refused, cut off or failed a check led to no answer, whatever became of the row.
  if (entry.outcome !== "answered") return "failures";
  const role = marks.roleOf(entry);
  if (role) return role === "answering" ? "answers" : "agreement";
  return marks.hasResult(entry.row) ? "failures" : "undivided";
}
