// One row's note, claim, record, re-adding and retry as pure functions: what the scripts in the batch's slot must do.
//
// new ──note──▶ open(hop 0) ──claim(hop' ≥ hop)──▶ open(hop', claimed) ──record──▶ done ──retry──▶ open(later hop, round + 1)
// A claim below the row's hop is `superseded`, on a done row `done`; so is one of an equal hop by another queue job than the one that holds it (`claimAs`).
// A record on a done row, or of an older round, is refused, and an error from a hop before the row's.

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

/** Who holds a claimed hop, by part. A hop belongs to one queue job for each part of its step: another of the same id is superseded. */
export type Holders = Readonly<Record<number, string>>;

/** {@link claim} with the queue job's part and token; `overtaken` is superseded by just the next hop. */
export function claimAs(
  row: Row,
  holders: Holders,
  { hop, part, token }: { readonly hop: number; readonly part: number; readonly token: string },
): { readonly reply: ClaimReply | "overtaken"; readonly row: Row; readonly holders: Holders } {
  const isHeld = row.kind === "open" && row.claimed && row.hop === hop;
  if (isHeld && holders[part] !== undefined && holders[part] !== token) return { reply: "superseded", row, holders };
  const { reply, row: after } = claim(row, hop);
  if (reply === "superseded") return { reply: row.hop === hop + 1 ? "overtaken" : reply, row, holders };
  return { reply, row: after, holders: reply === "go" ? { ...(isHeld ? holders : {}), [part]: token } : holders };
}

/** Refuses a second result and one of an older round. */
export function record(row: Row, round: number): { readonly recorded: boolean; readonly row: Row } {
  if (row.kind === "done" || round < row.round) return { recorded: false, row };
  return { recorded: true, row: { ...row, kind: "done" } };
}

/** An error from a hop that was superseded is refused: a later hop is at work and may still answer. */
export function isLateError(row: Row, hop: number, status: "answered" | "error"): boolean {
  return row.kind === "open" && status === "error" && hop < row.hop;
}

/** An open row that is in no queue goes back to its producer. */
export function readd(row: Row): Row {
  return { ...row, hop: row.hop + HOP_GAP, claimed: false };
}

/** A row that ended in an error is opened again, one round higher, at `hop`. */
export function retry(row: Row, hop: number): Row {
  return { kind: "open", hop, claimed: false, round: row.round + 1 };
}
