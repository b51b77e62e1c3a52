// How a call ends, as a value: what the vendor checks, in its order.
//
// connection dropped ─▶ key ─▶ well-formed ─▶ model known ─▶ limits, faults, size ─▶ answer
// Where failures count against the limits (OpenAI) the limits come before faults and size, else (Anthropic) after them.

import type { Ask } from "./ask.ts";
import type { Charge } from "./call-limits.ts";
import type { SimulatedAnswer } from "./compose-answer.ts";
import type { FaultEnding } from "./fault-ending.ts";
import type { SimulatedModel } from "./simulated-model.ts";
import type { VendorError } from "./vendor-error.ts";
import type { ParsedRequest } from "./wire-format.ts";

export type CallDecision =
  | { readonly kind: "drop" }
  /** `charged`: what it took of the limits all the same. */
  | { readonly kind: "error"; readonly error: VendorError; readonly charged?: Charge }
  /** From here on the call is admitted: charged up front, and under way. */
  | { readonly kind: "hang"; readonly charged: Charge }
  | { readonly kind: "malformed"; readonly charged: Charge; readonly answer: SimulatedAnswer }
  | { readonly kind: "answer"; readonly charged: Charge; readonly ask: Ask; readonly answer: SimulatedAnswer; readonly isCut: boolean };

/** Charges the model's buckets when it admits the call; has no other effect. */
export function decideCall(call: {
  readonly request: ParsedRequest;
  readonly hasKey: boolean;
  readonly model: SimulatedModel | undefined;
  readonly modelName: string;
  readonly ending: FaultEnding | undefined;
  readonly nowMs: number;
}): CallDecision {
  const { request, model, modelName, ending, nowMs } = call;
  if (ending?.kind === "drop") return ending;
  if (!call.hasKey) return deny({ kind: "bad-key" });
  if (request.kind === "error") return deny(request.error);
  if (!model) return deny({ kind: "unknown-model", model: modelName });

  const { ask } = request;
  const answer = model.answer(ask, ending?.kind === "bent" ? ending.bend : undefined);
  const problem = ending?.kind === "error" ? ending.error : sizeProblem(ask, model, modelName, answer);
  if (problem && !model.policy.countsFailures) return deny(problem);
  const { refusal, charged } = model.admit(ask, answer, nowMs);
  if (refusal) return deny({ kind: "rate-limit", model: modelName, refusal }, charged);
  if (problem) return deny(problem, charged);

  if (ending?.kind === "hang") return { kind: "hang", charged };
  if (ending?.kind === "malformed") return { kind: "malformed", charged, answer };
  return { kind: "answer", charged, ask, answer, isCut: ending?.kind === "reset" };
}

function deny(error: VendorError, charged?: Charge): CallDecision {
  return { kind: "error", error, ...(charged ? { charged } : {}) };
}

function sizeProblem(ask: Ask, model: SimulatedModel, modelName: string, answer: SimulatedAnswer): VendorError | undefined {
  const { inputTokens } = answer.usage;
  const { maxOutputTokens } = ask;
  const { contextWindow, maxOutputTokens: most } = model;
  if (maxOutputTokens !== undefined && most !== undefined && maxOutputTokens > most)
    return { kind: "output-too-long", model: modelName, maxOutputTokens, most };
  if (inputTokens + (maxOutputTokens ?? 0) <= contextWindow) return undefined;
  return { kind: "context", inputTokens, maxOutputTokens, contextWindow };
}
