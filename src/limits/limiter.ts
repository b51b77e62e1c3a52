// The contract of a limiter: permits for named calls, shared by every process of the fleet.
//
// A permit's life:  asked ──▶ granted: a lease, the write-ahead record of the call
//                              ├──▶ settled (the call ended; what it used, and what the vendor said of its limits, corrects the buckets)
//                              ├──▶ released (no call was made; everything is given back)
//                              └──▶ uncertain (the lease ran out: its process died; the estimate is kept until the call is asked again)
// Asking again for a call whose earlier grant was neither settled nor released is how a cut-off call is noticed: it may be paid twice.

import type { LimitReading } from "../job/limit-reading.ts";
import type { ModelId } from "../job/names.ts";
import type { Usage } from "../job/usage.ts";

export interface PermitRequest {
  /** Call id: the permit is for this call and no other. */
  readonly call: string;
  readonly model: ModelId;
  /** Estimated input tokens. */
  readonly inputTokens: number;
  /** Hardly ever passed; absent: `inputTokens`. Taken up front where what the call used replaces it in the end. */
  readonly highInputTokens?: number;
  /** Characters of the texts sent: some vendors charge by them. */
  readonly inputCharacters: number;
  /** Expected output tokens. */
  readonly outputTokens: number;
  /** What is told of the call should it be cut off; absent: `outputTokens`. */
  readonly likelyOutputTokens?: number;
  /** The request's own `max_tokens`, where it has one: some vendors charge it up front. */
  readonly maxOutputTokens?: number;
  /** Lifetime of the lease in milliseconds: the call's time limit and a margin. */
  readonly leaseMs: number;
}

export type PermitReply =
  /** `cutOff`: an earlier grant for this call was never settled, so the vendor may have been asked before; with that grant's start (unix ms) and estimate. */
  | {
      readonly kind: "granted";
      /** The permit's own name: a call that is asked again, because its process died, gets another. */
      readonly permit: string;
      readonly cutOff?: CutOff;
    }
  /** Not within `patienceMs`: ask again in `waitMs`. `isShut`: nobody gets a permit until then; else it is a place in line. */
  | { readonly kind: "wait"; readonly waitMs: number; readonly isShut: boolean; readonly reason: string };

/** A grant that was neither settled nor released: its start (unix ms), and what was expected of the call. */
export interface CutOff {
  readonly permit: string;
  readonly startedAt: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The vendor refused the call for its rate: a 429, or a request to slow down. */
export interface Refusal {
  /** No permits for the model until then. */
  readonly waitMs: number;
  /** `limit`: a limit was passed · `slow-down`: the vendor wants a lower rate for a good while. */
  readonly kind: "limit" | "slow-down";
}

export interface CallEnd {
  readonly call: string;
  readonly model: ModelId;
  /**
   * `answered` · `failed`: the vendor answered with an error · `broken-off`: no whole answer came, what the vendor counted is not known ·
   * `unreached`: the vendor certainly never saw it.
   */
  readonly ending: "answered" | "failed" | "broken-off" | "unreached";
  /** Where the vendor told it. */
  readonly usage?: Usage;
  /** The vendor's word on its limits corrects the buckets: down at once, up slowly. */
  readonly readings?: readonly LimitReading[];
  readonly refusal?: Refusal;
}

export interface Limiter {
  /**
   * Waits up to `patienceMs` for leave to make the call, in order of asking per model. Requests, tokens and concurrency, of the model, of the limits it
   * shares with others and of its account: all or none. Rejects only when Redis does.
   */
  acquire(request: PermitRequest, options: { readonly patienceMs: number; readonly signal: AbortSignal }): Promise<PermitReply>;
  /** The call ended. Harmless when repeated. */
  settle(end: CallEnd): Promise<void>;
  /** No call was made: gives everything back. Harmless when repeated. */
  release(permit: { readonly call: string; readonly model: ModelId }): Promise<void>;
  /**
   * For a call that isn't to be made, or not again: takes an earlier grant for it away that was never closed, and tells of it. What it was charged stays charged. The
   * model may no longer be one of its provider's. Rejects only when Redis does.
   */
  reclaim(permit: { readonly call: string; readonly model: ModelId }): Promise<CutOff | undefined>;
  /** Ends the limiter's timers and refuses its waiters with `wait`. */
  stop(): Promise<void>;
}
