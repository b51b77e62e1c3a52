// An Anthropic message as an outcome with its usage.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { FinishReason, Outcome } from "../job/outcome.ts";
import type { ModelRequest } from "../job/request.ts";
import type { Usage } from "../job/usage.ts";
import { toChatCompletion } from "./anthropic-completion.ts";
import { asArray, asCount, asObject, asText, readCounts } from "./read-json.ts";
import type { Scrub } from "./scrub.ts";
import type { Reading } from "./vendor-call.ts";

const FINISH: Readonly<Record<string, FinishReason["unified"]>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool-call",
  refusal: "refusal",
};

interface Context {
  readonly request: ModelRequest;
  readonly model: string;
  /** The tool whose input is the answer. */
  readonly answerTool: string | undefined;
  readonly now: number;
  readonly scrub: Scrub;
}

/** Only an answer without a list of content is malformed; unknown blocks are passed over, unknown stop reasons are `other`. */
export function readAnthropicAnswer(body: JsonValue, context: Context): Reading {
  const message = asObject(body);
  const content = asArray(message?.content);
  if (!message || !content) {
    return { outcome: { kind: "transient", reason: context.scrub(`200 without content: ${JSON.stringify(body).slice(0, 200)}`) } };
  }
  const usage = readUsage(asObject(message.usage));
  const blocks = content.map(asObject).filter((block) => block !== undefined);
  return { outcome: toOutcome(message, blocks, usage, context), ...(usage ? { usage } : {}) };
}

function toOutcome(message: JsonObject, blocks: readonly JsonObject[], usage: Usage | undefined, context: Context): Outcome {
  const raw = asText(message.stop_reason) ?? null;
  const called = blocks.find((block) => block.type === "tool_use" && block.name === context.answerTool);
  switch (raw) {
    case "refusal": {
      const why = asText(asObject(message.stop_details)?.explanation);
      return { kind: "refused", reason: context.scrub(why === undefined ? "stop_reason refusal" : `stop_reason refusal: ${why}`) };
    }
    case "max_tokens":
      return { kind: "unfit", cause: "cut-off", reason: "the answer was cut off at its token limit (stop_reason max_tokens)" };
    case "model_context_window_exceeded":
      return {
        kind: "unfit",
        cause: "context",
        reason: "the answer outgrew the context window (stop_reason model_context_window_exceeded)",
      };
    case "pause_turn":
      return { kind: "unfit", cause: "capability", reason: "the model paused its turn (stop_reason pause_turn), which is not continued" };
    default:
  }
  const text = called
    ? JSON.stringify(called.input ?? null)
    : blocks.map((block) => (block.type === "text" ? (asText(block.text) ?? "") : "")).join("");
  const finish: FinishReason = { unified: called ? "stop" : (FINISH[raw ?? ""] ?? "other"), raw };
  if (context.request.kind !== "openai-chat") return { kind: "answered", answer: { text, finish } };
  const calls = called ? [] : blocks.filter((block) => block.type === "tool_use");
  const completion = toChatCompletion({ message, text, calls, finish: finish.unified, usage, model: context.model, now: context.now });
  return { kind: "answered", answer: { text, finish, body: completion } };
}

/** The vendor's `input_tokens` leaves the cached parts out; ours holds them. Undefined where the vendor doesn't say, or says what can't be. */
function readUsage(usage: JsonObject | undefined): Usage | undefined {
  const counts = readCounts({
    plain: usage?.input_tokens,
    cached: usage?.cache_read_input_tokens,
    written: usage?.cache_creation_input_tokens,
    output: usage?.output_tokens,
  });
  if (!counts) return undefined;
  return {
    inputTokens: counts.plain + counts.cached + counts.written,
    cachedInputTokens: counts.cached,
    cacheWriteTokens: counts.written,
    outputTokens: counts.output,
    reasoningTokens: Math.min(asCount(asObject(usage?.output_tokens_details)?.thinking_tokens) ?? 0, counts.output),
  };
}
