// The contract between the waiting side of a limiter (permit-line.ts, one per process) and its shared state: the buckets, leases and cut-off
// calls of one provider. Nothing waits here: every question is answered at once, all asks of a turn together.

import type { ModelId } from "../job/names.ts";
import type { Charge, Dimension } from "./charging.ts";

export interface PermitAsk {
  readonly call: string;
  readonly model: ModelId;
  /** Names this asking: the same ask repeated (a command sent again after a lost connection) is granted once, not taken for a cut-off call. */
  readonly nonce: string;
  readonly charge: Charge;
  readonly floor: Charge;
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

/** A rate · too many calls in flight · a hold · another process's call that is first in line. */
export type RefusedBy = Dimension | "calls" | "hold" | "line";

export interface PermitEnding {
  readonly call: string;
  readonly model: ModelId;
  /** The grant meant; absent: whichever there is. */
  readonly nonce?: string;
  /** `used`: corrects the charge · `kept`: the call ended without usage · `unused`: no call was made, all is given back. */
  readonly ending: { readonly kind: "used"; readonly used: Charge } | { readonly kind: "kept" } | { readonly kind: "unused" };
}

/** Lowers a bucket to what the vendor says is left of it. */
export interface PermitReading {
  readonly model: ModelId;
  readonly dimension: Dimension;
  readonly remaining: number;
}

export interface PermitBook {
  /** Answers in order. An ask refused by a rate stands before all later ones of the same limit: in this call, and for a moment in the fleet. */
  ask(asks: readonly PermitAsk[]): Promise<readonly PermitAnswer[]>;
  /** Endings of unknown calls are ignored. */
  end(endings: readonly PermitEnding[]): Promise<void>;
  lower(readings: readonly PermitReading[]): Promise<void>;
  hold(model: ModelId, waitMs: number): Promise<void>;
}

/** The scope of the limits of the whole account, beside those named by a model id. */
export const ACCOUNT = "*";
/** How long a cut-off call is remembered for the next ask: as long as a finished batch. */
export const UNCERTAIN_MS = 7 * 24 * 3_600_000;
/** How long the head of the line may be late before others pass it, as a share of the burst: what accrues meanwhile still fits the bucket. */
export const LATE_SHARE = 0.2;
