// An OpenAI chat completion as an outcome with its usage.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { FinishReason, Outcome } from "../job/outcome.ts";
import type { ModelRequest } from "../job/request.ts";
import { readOpenAiUsage } from "./openai-usage.ts";
import { asArray, asObject, asText } from "./read-json.ts";
import type { Scrub } from "./scrub.ts";
import type { Reading } from "./vendor-call.ts";

const FINISH: Readonly<Record<string, FinishReason["unified"]>> = {
  stop: "stop",
  length: "length",
  content_filter: "refusal",
  tool_calls: "tool-call",
  function_call: "tool-call",
};

/** Lenient: compatible servers leave fields out. Only an answer without a message is malformed. */
export function readOpenAiAnswer(body: JsonValue, request: ModelRequest, scrub: Scrub): Reading {
  const completion = asObject(body);
  const choice = asObject(asArray(completion?.choices)?.[0]);
  const message = asObject(choice?.message);
  if (!completion || !choice || !message) {
    return { outcome: { kind: "transient", reason: scrub(`200 without a choice: ${JSON.stringify(body).slice(0, 200)}`) } };
  }
  const told = asObject(completion.usage);
  const usage = told && readOpenAiUsage(told);
  return { outcome: toOutcome(completion, choice, message, request, scrub), ...(usage ? { usage } : {}) };
}

function toOutcome(completion: JsonObject, choice: JsonObject, message: JsonObject, request: ModelRequest, scrub: Scrub): Outcome {
  const raw = asText(choice.finish_reason) ?? null;
  const unified = FINISH[raw ?? ""] ?? "other";
  const refusal = asText(message.refusal);
  if (refusal !== undefined) return { kind: "refused", reason: scrub(`refusal: ${refusal}`) };
  if (unified === "refusal") return { kind: "refused", reason: `finish_reason ${raw}` };
  if (unified === "length")
    return { kind: "unfit", cause: "cut-off", reason: "the answer was cut off at its token limit (finish_reason length)" };
  const text = readText(message.content);
  return { kind: "answered", answer: { text, finish: { unified, raw }, ...(request.kind === "openai-chat" ? { body: completion } : {}) } };
}

/** A string; null beside tool calls; a list of parts at some compatible servers. */
function readText(content: JsonValue | undefined): string {
  const parts = asArray(content);
  return parts ? parts.map((part) => asText(asObject(part)?.text) ?? "").join("") : (asText(content) ?? "");
}
