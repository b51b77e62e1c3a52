// One row's note, claim, record, re-adding and retry as pure functions: what the scripts in the batch's slot must do.
//
// new ──note──▶ open(hop 0) ──claim(hop' ≥ hop)──▶ open(hop', claimed) ──record──▶ done ──retry──▶ open(later hop, round + 1)
// A claim below the row's hop is `superseded`, on a done row `done`; a record on a done row, or of an older round, is refused.

export interface Row {
  readonly kind: "new" | "open" | "done";
  /** The highest hop noted or claimed: it only grows over the row's whole life. */
  readonly hop: number;
  readonly claimed: boolean;
  readonly round: number;
}

export type ClaimReply = "go" | "superseded" | "done";

export const NEW_ROW: Row = { kind: "new", hop: 0, claimed: false, round: 0 };

/**
 * How far beyond the last hop noted or claimed a row goes on when it is added again. Whoever holds the claim of hop h may still add h + 1, and
 * nobody more: once h + 2 is noted, a claim of h + 1 is superseded.
 */
export const HOP_GAP = 2;

/** The producer notes the row before it adds the queue job. */
export function note(row: Row): Row {
  return row.kind === "new" ? { ...row, kind: "open" } : row;
}

/** The first act of every processor. A row that was never noted (a foreign client's) is opened by its first claim. */
export function claim(row: Row, hop: number): { readonly reply: ClaimReply; readonly row: Row } {
  if (row.kind === "done") return { reply: "done", row };
  if (row.kind === "open" && hop < row.hop) return { reply: "superseded", row };
  return { reply: "go", row: { ...row, kind: "open", hop, claimed: true } };
}

/** Refuses a second result and one of an older round. */
export function record(row: Row, round: number): { readonly recorded: boolean; readonly row: Row } {
  if (row.kind === "done" || round < row.round) return { recorded: false, row };
  return { recorded: true, row: { ...row, kind: "done" } };
}

/** An open row that is in no queue goes back to its producer. */
export function readd(row: Row): Row {
  return { ...row, hop: row.hop + HOP_GAP, claimed: false };
}

/** A row that ended in an error is opened again, one round higher, at `hop`. */
export function retry(row: Row, hop: number): Row {
  return { kind: "open", hop, claimed: false, round: row.round + 1 };
}
