// Which calls the results of a batch name as theirs, so that the ledger's entries can be told apart. Four bytes for a row, by pages, for batches may hold millions of rows and
// inboxes have gaps: instead of a call's id a number that is made of it. Two calls of one row have the same one time in four billion.

import type { LedgerEntry } from "../job/ledger.ts";
import type { Result } from "../job/result.ts";
import { answeringCall } from "../job/result-answer.ts";

export interface AnswerMarks {
  /** Rows come once each. */
  add(result: Result): void;
  /** `answering`: its answer is the row's result · `agreeing`: it answered beside that one, in a step in which models must agree. */
  roleOf(call: Pick<LedgerEntry, "row" | "call">): "answering" | "agreeing" | undefined;
  hasResult(row: number): boolean;
}

const PAGE_ROWS = 1 << 14;
/** A row with a result that no call answered. */
const UNANSWERED = 1;

export function createAnswerMarks(): AnswerMarks {
  const pages = new Map<number, Uint32Array>();
  const agreeing = new Map<number, readonly number[]>();
  const markOf = (row: number) => pages.get(Math.floor(row / PAGE_ROWS))?.[row % PAGE_ROWS] ?? 0;

  return {
    add(result) {
      const { row, trail } = result;
      const number = Math.floor(row / PAGE_ROWS);
      const page = pages.get(number) ?? new Uint32Array(PAGE_ROWS);
      pages.set(number, page);
      const answering = answeringCall(result);
      page[row % PAGE_ROWS] = answering ? mark(answering.call) : UNANSWERED;
      if (!answering) return;
      const others = trail.filter((entry) => entry !== answering && entry.purpose === "agree" && entry.outcome === "answered");
      if (others.length > 0)
        agreeing.set(
          row,
          others.map(({ call }) => mark(call)),
        );
    },
    roleOf({ row, call }) {
      const known = markOf(row);
      if (known <= UNANSWERED) return undefined;
      const own = mark(call);
      if (own === known) return "answering";
      return agreeing.get(row)?.includes(own) ? "agreeing" : undefined;
    },
    hasResult: (row) => markOf(row) !== 0,
  };
}

/** FNV-1a, 32 bits; none of the numbers that mean something else. */
function mark(call: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < call.length; i++) hash = Math.imul(hash ^ call.charCodeAt(i), 0x01000193);
  return Math.max(hash >>> 0, UNANSWERED + 1);
}
