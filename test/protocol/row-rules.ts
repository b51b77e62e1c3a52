// One row's note, claim, record, re-adding and retry as pure functions: what the scripts in the batch's slot must do.
//
// new ──note──▶ open(hop 0) ──claim(hop' ≥ hop)──▶ open(hop', claimed) ──record──▶ done ──retry──▶ open(later hop, round + 1)
// A claim below the row's hop is superseded, on a done row `done`; so is one at the row's hop by another queue job than the one that holds it.
// A record on a done row is refused; so is one of an older round, and an error from a hop before the row's.

export interface Row {
  readonly kind: "new" | "open" | "done";
  /** The highest hop noted or claimed. Nothing is kept of it once the row is done: a retry takes the hop of the row's result. */
  readonly hop: number;
  readonly claimed: boolean;
  /** Of a claimed hop: who holds it, by part. */
  readonly holders: Readonly<Record<number, string>>;
  readonly round: number;
}

export interface Claim {
  readonly hop: number;
  readonly part: number;
  /** The same in each run of a queue job, another for every other job, also for one of the same id. */
  readonly token: string;
}

/**
 * `overtaken`: superseded by just the next hop. The scripts don't tell it from `superseded`: only a protocol that was given up (a binder that adds all parts of a
 * step) needs to know. `paused`: claimed all the same.
 */
export type ClaimReply = "go" | "superseded" | "overtaken" | "done" | "paused" | "cancelled";
export type Mood = "running" | "paused" | "cancelling";

/** What a record says of itself. */
export interface Word {
  readonly round: number;
  readonly hop: number;
  readonly status: "answered" | "error";
}

export const NEW_ROW: Row = { kind: "new", hop: 0, claimed: false, holders: {}, round: 0 };

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
export function claim(row: Row, { hop, part, token }: Claim, mood: Mood = "running"): { readonly reply: ClaimReply; readonly row: Row } {
  if (row.kind === "done") return { reply: "done", row };
  if (row.kind === "open" && row.hop > hop) return { reply: row.hop === hop + 1 ? "overtaken" : "superseded", row };
  const holders = row.claimed && row.hop === hop ? row.holders : {};
  if (holders[part] !== undefined && holders[part] !== token) return { reply: "superseded", row };
  if (mood === "cancelling") return { reply: "cancelled", row };
  const claimed: Row = { ...row, kind: "open", hop, claimed: true, holders: { ...holders, [part]: token } };
  return { reply: mood === "paused" ? "paused" : "go", row: claimed };
}

/** Refuses a second result, one of an older round, and an error of a worker whose hop was superseded: the row is at work elsewhere and may be answered. */
export function record(row: Row, { round, hop, status }: Word): { readonly recorded: boolean; readonly row: Row } {
  const isLate = row.kind === "open" && status === "error" && hop < row.hop;
  if (row.kind === "done" || round < row.round || isLate) return { recorded: false, row };
  return { recorded: true, row: { ...NEW_ROW, kind: "done", round: row.round } };
}

/** An open row that is in no queue goes back to its producer. */
export function readd(row: Row): Row {
  return { ...row, hop: row.hop + HOP_GAP, claimed: false, holders: {} };
}

/** A row that ended in an error is opened again, one round higher, at `hop`. */
export function retry(row: Row, hop: number): Row {
  return { ...NEW_ROW, kind: "open", hop, round: row.round + 1 };
}

/** Puts a part's outcome (none: only looks) beside those of the step's other parts; the first one stays. */
export function bring<Outcome>(
  brought: readonly (Outcome | undefined)[],
  part: number,
  outcome: Outcome | undefined,
): { readonly isThere: boolean; readonly brought: readonly (Outcome | undefined)[]; readonly isWhole: boolean } {
  const after = brought.map((each, i) => (i === part ? (each ?? outcome) : each));
  return { isThere: after[part] !== undefined, brought: after, isWhole: after.every((each) => each !== undefined) };
}
