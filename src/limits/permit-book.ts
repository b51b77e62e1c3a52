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
  /** How long it is still prepared to wait: only one that will wait can be first in line. */
  readonly patienceMs: number;
}

/** An earlier grant for the call that was never settled: its start (unix ms) and estimates. */
export interface CutOffCall {
  readonly startedAt: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export type PermitAnswer = { readonly kind: "granted"; readonly cutOff?: CutOffCall } | RefusedAsk;

export interface RefusedAsk {
  readonly kind: "refused";
  /** When its turn is expected, those before it in line considered; for `calls` 0: nobody knows. */
  readonly waitMs: number;
  readonly by: RefusedBy;
  readonly scope: string;
}

/** A rate · the pace learned from refusals · too many calls in flight · a hold · another process's call that is first in line. */
export type RefusedBy = Dimension | "pace" | "calls" | "hold" | "line";

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
  /** The vendor answered, other than by a refusal: a pace may recover. */
  readonly isWelcome?: boolean;
  readonly readings?: readonly PermitReading[];
  readonly refusal?: PermitRefusal;
}

export interface PermitBook {
  /** Answers in order. An ask refused by a rate stands before all later ones of the same limit: in this call, and for a moment in the fleet. */
  ask(asks: readonly PermitAsk[]): Promise<readonly PermitAnswer[]>;
  /** Charges of unknown calls are ignored; readings and holds are not. */
  end(endings: readonly PermitEnding[]): Promise<void>;
}

/** The scope of the limits of the whole account, beside those named by a model id. */
export const ACCOUNT = "*";
/** How long a cut-off call is remembered for the next ask: as long as a finished batch. */
export const UNCERTAIN_MS = 7 * 24 * 3_600_000;
/** How long the head of the line may be late before others pass it, as a share of the burst: what accrues meanwhile still fits the bucket. */
export const LATE_SHARE = 0.2;
