// How a call ended: a value. Vendors' errors become outcomes inside the vendor's adapter and nowhere else.

import type { OnFail } from "./check-spec.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** Why the model stopped, in one vocabulary (`unified`) and the vendor's own (`raw`). */
export interface FinishReason {
  readonly unified: "stop" | "length" | "refusal" | "tool-call" | "other";
  readonly raw: string | null;
}

export interface Answer {
  /** The model's text. */
  readonly text: string;
  /** The text parsed and checked, where the task has an output schema. */
  readonly json?: JsonValue;
  readonly finish: FinishReason;
  /** For a job given as an OpenAI body: the answer as a chat completion, the vendor's own or translated. */
  readonly body?: JsonObject;
}

/** Nobody said how long: soon it is looked whether it is over, and again after twice as long each time, up to so many milliseconds. */
export interface UpTo {
  readonly upTo: number;
}

export type Outcome =
  | { readonly kind: "answered"; readonly answer: Answer }
  /** Same model queue after the wait; no attempt used. A wait above 30 s makes the model unavailable instead. */
  | {
      readonly kind: "throttled";
      readonly waitMs: number;
      readonly source: "vendor" | "limiter";
      readonly reason: string;
      /** The vendor named no wait: `waitMs` is ours. */
      readonly isGuess?: true;
      /** The vendor asks for a lower rate for a good while (OpenAI's 503 Slow Down). */
      readonly isSlowDown?: true;
    }
  /** Same model with backoff, up to the task's attempts; counts towards the breaker. */
  | {
      readonly kind: "transient";
      readonly reason: string;
      readonly retryAfterMs?: number;
      /** A fault of the whole provider: nothing answers at its address, or it says that it is overloaded. */
      readonly isWide?: true;
    }
  /** The breaker of `scope` opens (if it was not open already); the job is bound again at once. */
  | { readonly kind: "unavailable"; readonly scope: "model" | "provider"; readonly reason: string; readonly openForMs?: number | UpTo }
  /** The model can't do this job; it is excluded for it. `context`: the request is too long for the model. */
  | { readonly kind: "unfit"; readonly cause: "context" | "capability" | "cut-off" | "policy"; readonly reason: string }
  /** The answer failed a check. */
  | { readonly kind: "unfit"; readonly cause: "check"; readonly reason: string; readonly onFail: OnFail; readonly answer: Answer }
  | { readonly kind: "refused"; readonly reason: string }
  /** No model would take it. */
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "expired"; readonly reason: string }
  | { readonly kind: "cancelled"; readonly reason: string };

export type OutcomeKind = Outcome["kind"];
