// An Anthropic message as the OpenAI chat completion that the job's author expects.

import type { JsonObject } from "../job/json.ts";
import type { FinishReason } from "../job/outcome.ts";
import { NO_USAGE, type Usage } from "../job/usage.ts";
import { asText } from "./read-json.ts";

const FINISH: Readonly<Record<FinishReason["unified"], string>> = {
  stop: "stop",
  length: "length",
  refusal: "content_filter",
  "tool-call": "tool_calls",
  other: "stop",
};

export function toChatCompletion(answer: {
  readonly message: JsonObject;
  readonly text: string;
  /** The `tool_use` blocks. */
  readonly calls: readonly JsonObject[];
  readonly finish: FinishReason["unified"];
  readonly usage: Usage | undefined;
  /** The vendor's name of the model, where the message doesn't give it. */
  readonly model: string;
  /** Unix milliseconds. */
  readonly now: number;
}): JsonObject {
  const { message, text, calls, usage = NO_USAGE } = answer;
  const content = text === "" && calls.length > 0 ? null : text;
  return {
    id: asText(message.id) ?? "",
    object: "chat.completion",
    created: Math.floor(answer.now / 1_000),
    model: asText(message.model) ?? answer.model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content, refusal: null, ...(calls.length > 0 ? { tool_calls: calls.map(toToolCall) } : {}) },
        logprobs: null,
        finish_reason: FINISH[answer.finish],
      },
    ],
    usage: {
      prompt_tokens: usage.inputTokens,
      completion_tokens: usage.outputTokens,
      total_tokens: usage.inputTokens + usage.outputTokens,
      prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
      completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    },
  };
}

function toToolCall(block: JsonObject): JsonObject {
  return {
    id: asText(block.id) ?? "",
    type: "function",
    function: { name: asText(block.name) ?? "", arguments: JSON.stringify(block.input ?? {}) },
  };
}
