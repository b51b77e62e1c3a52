// The contract between the waiting side of a limiter (permit-line.ts, one per process) and its shared state: the buckets, leases and cut-off
// calls of one provider. Nothing waits here: every question is answered at once, all asks of a turn together.

import type { ModelId } from "../job/names.ts";
import type { Charge, Dimension, FinalCharge } from "./charging.ts";

export interface PermitAsk {
  readonly call: string;
  readonly model: ModelId;
  /** Names this asking: the same ask repeated (a command sent again after a lost connection) is granted once, not taken for a cut-off call. */
  readonly nonce: string;
  readonly charge: Charge;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly leaseMs: number;
  /** How long it is still prepared to wait. */
  readonly patienceMs: number;
  /** Its ticket, when it has one: it has paid, and comes for its permit. */
  readonly ticket?: number;
}

/** An earlier grant for the call that was never settled: its start (unix ms) and estimates. */
export interface CutOffCall {
  readonly nonce: string;
  readonly startedAt: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export type PermitAnswer = { readonly kind: "granted"; readonly cutOff?: CutOffCall } | Ticket | RefusedAsk;

/** A place in line, paid for: the permit may be had in `waitMs`, at `ticket` by the book's clock. Nobody else can take it; who doesn't want it any more refunds it. */
export interface Ticket {
  readonly kind: "ticket";
  readonly waitMs: number;
  readonly ticket: number;
}

export interface RefusedAsk {
  readonly kind: "refused";
  /** When its turn is expected, those before it in line considered; for `calls` 0: nobody knows. */
  readonly waitMs: number;
  readonly by: RefusedBy;
  readonly scope: string;
}

/** A rate · the pace learned from refusals · too many calls in flight · a hold. */
export type RefusedBy = Dimension | "pace" | "calls" | "hold";

/** What the vendor's word on one of its limits means for the bucket of that dimension; times are at the bucket's rate. */
export interface PermitReading {
  readonly dimension: Dimension;
  /** The bucket holds no more than this: lowered at once. */
  readonly levelMs?: number;
  /** The vendor has taken no more than this: raised towards it, slowly. */
  readonly takenMs?: number;
  /** The vendor's own rate per millisecond, where it is below the configured one; 0: no longer. */
  readonly perMs?: number;
}

/** The vendor refused the call. `blind`: it tells nothing of its limits · `slow-down`: it asks for a lower rate. Both set a pace (pace.ts). */
export interface PermitRefusal {
  readonly waitMs: number;
  readonly pace?: "blind" | "slow-down";
}

export interface PermitEnding {
  readonly call: string;
  readonly model: ModelId;
  /** The grant meant; absent: whichever there is. */
  readonly nonce?: string;
  readonly final: FinalCharge;
  /** An unused ticket, and what it has paid. */
  readonly refund?: { readonly charge: Charge; readonly ticket: number };
  /** The vendor answered, other than by a refusal: a pace may recover. */
  readonly isWelcome?: boolean;
  readonly readings?: readonly PermitReading[];
  readonly refusal?: PermitRefusal;
}

export interface PermitBook {
  /**
   * Answers in order. Who can't have a permit now gets a ticket while the line is short, whoever asks and however large the call: first come, first served over
   * the whole fleet. While the line is long all are refused, and later asks of the same call stand behind earlier ones.
   */
  ask(asks: readonly PermitAsk[]): Promise<readonly PermitAnswer[]>;
  /** The grant for the call that was never ended, if there is one. */
  look(call: string): Promise<CutOffCall | undefined>;
  /** Charges of unknown calls are ignored; readings and holds are not. */
  end(endings: readonly PermitEnding[]): Promise<void>;
}

/** The scope of the limits of the whole account, beside those named by a model id. */
export const ACCOUNT = "*";
/** How long a cut-off call is remembered for the next ask: as long as a finished batch. */
export const UNCERTAIN_MS = 7 * 24 * 3_600_000;
/** The line is short below this: so far ahead tickets are given, for later ones could not heed what the vendor says meanwhile. */
export const HORIZON_MS = 100;
/** A ticket that comes later than this asks anew: else those of a process that was asleep would all go at once. With the usual burst that is less than a vendor's. */
export const LATE_MS = 400;
/** Clocks differ by a hair: a ticket that comes so much too early is in time. */
export const EARLY_MS = 2;
