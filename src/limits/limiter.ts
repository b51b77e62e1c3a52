// The contract of a limiter: permits for named calls, shared by every process of the fleet.
//
// A permit's life:  asked ──▶ granted: a lease, the write-ahead record of the call
//                              ├──▶ settled (the call ended; its usage corrects the buckets)
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
  /** Expected output tokens. */
  readonly outputTokens: number;
  /** The request's own `max_tokens`, where it has one: some vendors charge it up front. */
  readonly maxOutputTokens?: number;
  /** Lifetime of the lease in milliseconds: the call's time limit and a margin. */
  readonly leaseMs: number;
}

export type PermitReply =
  /** `cutOff`: an earlier grant for this call was never settled, so the vendor may have been asked before; with that grant's start (unix ms) and estimate. */
  | {
      readonly kind: "granted";
      readonly cutOff?: { readonly startedAt: number; readonly inputTokens: number; readonly outputTokens: number };
    }
  /** Not within `patienceMs`: ask again in `waitMs`. */
  | { readonly kind: "wait"; readonly waitMs: number; readonly reason: string };

export interface Limiter {
  /**
   * Waits up to `patienceMs` for leave to make the call, in order of asking per model. Requests, tokens and concurrency, of the model and of its
   * account: all or none. Rejects only when Redis does.
   */
  acquire(request: PermitRequest, options: { readonly patienceMs: number; readonly signal: AbortSignal }): Promise<PermitReply>;
  /** The call ended; usage where the vendor told it. Harmless when repeated. */
  settle(permit: { readonly call: string; readonly model: ModelId; readonly usage?: Usage }): Promise<void>;
  /** No call was made: gives everything back. Harmless when repeated. */
  release(permit: { readonly call: string; readonly model: ModelId }): Promise<void>;
  /** The vendor's word on its limits corrects the buckets, downwards at once. */
  observe(model: ModelId, readings: readonly LimitReading[]): Promise<void>;
  /** No permits for the model until `waitMs` from now (a 429's `retry-after`). */
  hold(model: ModelId, waitMs: number): Promise<void>;
  /** Ends the limiter's timers and refuses its waiters with `wait`. */
  stop(): Promise<void>;
}
