// The contract of the breakers: the circuit state of every model and provider, shared by the whole fleet.
//
// closed ──(too many failures, or a trip: quota, auth, unknown model)──▶ open until a time, with its reason
// open ──(its time is over)──▶ half-open: one call in the whole fleet may probe
// half-open ──(probe succeeds)──▶ closed      ──(probe fails)──▶ open, for longer each time      ──(probe forgone)──▶ the next call may probe
//
// A failure counts against its model, a wide one also against its provider; a success speaks for both.

import type { ModelId } from "../job/names.ts";
import type { UpTo } from "../job/outcome.ts";

export type BreakerState =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly reason: string; readonly openUntil: number; readonly openings: number }
  | { readonly kind: "half-open"; readonly reason: string; readonly openings: number };

/** A breaker's subject: a model, or a whole provider. */
export type BreakerSubject = { readonly model: ModelId } | { readonly provider: string };

export type Admission =
  | { readonly kind: "call" }
  /** This call is the one probe: the report that names it decides. Who is given one must report or forgo it. */
  | { readonly kind: "probe"; readonly probe: string }
  | { readonly kind: "blocked"; readonly reason: string; readonly retryInMs: number };

export interface CallEnding {
  readonly ending: "ok" | "failed";
  /** The failure is the whole provider's: it can't be reached, or is overloaded. */
  readonly isWide?: boolean;
  /** When the call was made (unix ms by the process's clock): a call begun before the last failures doesn't disprove them. Absent: it does. */
  readonly startedAt?: number;
  /** The probe that the call was admitted as. */
  readonly probe?: string;
}

export interface Breaker {
  /** The model's state, its provider's included (the worse of the two): a copy at most 250 ms old, without waiting. */
  state(model: ModelId): BreakerState;
  /**
   * Asked before each call. A closed breaker answers from the copy, at once unless this process has just seen several failures in a row: then
   * after at most 250 ms, when Redis has been told of them. A probe is claimed in Redis.
   */
  admit(model: ModelId): Promise<Admission>;
  /** How a call ended, for the counts; of a probe, also for the breakers it was made for. */
  report(model: ModelId, ending: CallEnding): void;
  /** The probe's call wasn't made, or its end says nothing of the model (cancelled, quota, auth): the next one may probe at once. */
  forgo(model: ModelId, probe: string): void;
  /** Opens at once: for so long, or growing with each opening that follows without a success; absent: by the default. */
  trip(subject: BreakerSubject, reason: string, openForMs?: number | UpTo): Promise<void>;
  /** Every breaker that is not closed, for status pages. */
  snapshot(): ReadonlyMap<string, BreakerState>;
  stop(): Promise<void>;
}
