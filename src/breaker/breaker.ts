// The contract of the breakers: the circuit state of every model and provider, shared by the whole fleet.
//
// closed ──(share of failures in the window ≥ threshold, or a trip: quota, auth, unknown model)──▶ open until a time, with its reason
// open ──(its time is over)──▶ half-open: one call in the whole fleet may probe
// half-open ──(probe succeeds)──▶ closed      ──(probe fails)──▶ open, for longer each time

import type { ModelId } from "../job/names.ts";

export type BreakerState =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly reason: string; readonly openUntil: number; readonly openings: number }
  | { readonly kind: "half-open"; readonly reason: string; readonly openings: number };

/** A breaker's subject: a model, or a whole provider. */
export type BreakerSubject = { readonly model: ModelId } | { readonly provider: string };

export type Admission =
  | { readonly kind: "call" }
  /** This call is the one probe: its report decides. */
  | { readonly kind: "probe" }
  | { readonly kind: "blocked"; readonly reason: string; readonly retryInMs: number };

export interface Breaker {
  /** The model's state, its provider's included (the worse of the two): a copy at most 250 ms old, without waiting. */
  state(model: ModelId): BreakerState;
  /** Asked before each call. A closed breaker answers from the copy; only the half-open probe asks Redis. */
  admit(model: ModelId): Promise<Admission>;
  /** How a call ended, for the sliding counts and the probe. */
  report(model: ModelId, ending: "ok" | "failed"): void;
  /** Opens at once. `openForMs` absent: the default, growing with each opening. */
  trip(subject: BreakerSubject, reason: string, openForMs?: number): Promise<void>;
  /** Every breaker that is not closed, for status pages. */
  snapshot(): ReadonlyMap<string, BreakerState>;
  stop(): Promise<void>;
}
