// What a fault does to a call, as a value.

import type { Bend } from "./compose-answer.ts";
import type { Fault } from "./faults.ts";
import type { VendorError } from "./vendor-error.ts";

export type FaultEnding =
  /** The vendor says no. */
  | { readonly kind: "error"; readonly error: VendorError }
  /** The connection is closed before an answer. */
  | { readonly kind: "drop" }
  | { readonly kind: "hang" }
  /** The answer is billed and broken off in the middle. */
  | { readonly kind: "reset" }
  | { readonly kind: "malformed" }
  | { readonly kind: "bent"; readonly bend: Bend };

/** `chance` in [0, 1) chooses where a fault has several looks. */
export function faultEnding(fault: Fault, model: string, chance: number): FaultEnding {
  switch (fault.fault) {
    case "outage":
      return deny({ kind: "outage", status: chance < 0.5 ? 500 : 503 });
    case "overloaded":
    case "slow-down":
    case "quota":
    case "billing":
    case "spend-cap":
    case "too-large":
      return deny({ kind: fault.fault });
    case "storm":
      return deny(storm(model, fault.delayMs ?? 1000));
    case "no-retry-after":
      return deny(storm(model, undefined));
    case "long-retry-after":
      return deny(storm(model, fault.delayMs ?? 120_000));
    case "auth":
      return deny({ kind: "bad-key" });
    case "permission":
      return deny({ kind: "forbidden" });
    case "unknown-model":
      return deny({ kind: "unknown-model", model });
    case "content-policy":
      // OpenAI tells it by its code, Anthropic by its words.
      return deny({ kind: "bad-request", message: "Output blocked by content filtering policy", code: "content_policy_violation" });
    case "refuse":
      return { kind: "drop" };
    case "hang":
    case "reset":
    case "malformed":
      return { kind: fault.fault };
    case "content-filter":
    case "refusal":
    case "cut-off":
      return { kind: "bent", bend: fault.fault };
    case "slow":
      return { kind: "bent", bend: undefined };
    default:
      return fault.fault satisfies never;
  }
}

function deny(error: VendorError): FaultEnding {
  return { kind: "error", error };
}

/** Bodies that come with status 200 and are not what was promised. */
export function malformedBody(chance: number): { readonly contentType: string; readonly body: string } {
  if (chance < 1 / 3) return { contentType: "application/json", body: '{"id": "sim-malformed", "choices": [{"index": 0, "mess' };
  if (chance < 2 / 3) return { contentType: "text/html", body: "<html><body><h1>200 OK</h1></body></html>" };
  return { contentType: "application/json", body: '{"simulated": true, "unexpected": "shape"}' };
}

function storm(model: string, retryAfterMs: number | undefined): VendorError {
  const refusal = { dimension: "rpm", limit: 60, remaining: 0, requested: 1, retryAfterMs: retryAfterMs ?? 1000 } as const;
  return { kind: "rate-limit", model, refusal, isSilent: retryAfterMs === undefined };
}
