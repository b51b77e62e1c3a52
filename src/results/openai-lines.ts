// Output as the lines of OpenAI's Batch API: the output file's shape for answers, the error file's for errors.

import type { JsonObject } from "../job/json.ts";
import type { AnsweredResult, ErrorCode, Result } from "../job/result.ts";
import { answeringCall } from "../job/result-answer.ts";
import type { FinishReason } from "../job/outcome.ts";
import { NO_USAGE, type Usage } from "../job/usage.ts";

/** A row without a label of its own is called `row-<number>`. */
export function toOpenAiLine(result: Result): string {
  const base = { id: `batch_req_${result.batch}_${result.row}`, custom_id: result.id ?? `row-${result.row}` };
  const line =
    result.status === "answered"
      ? {
          ...base,
          response: {
            status_code: 200,
            request_id: answeringCall(result)?.requestId ?? `req_${result.batch}_${result.row}`,
            body: result.answer.body ?? toChatCompletion(result),
          },
          error: null,
        }
      : { ...base, response: null, error: { code: openAiCode(result.error.code), message: result.error.message } };
  return `${JSON.stringify(line)}\n`;
}

/** The least that a client of chat completions reads. */
function toChatCompletion(result: AnsweredResult): JsonObject {
  const usage = answeringCall(result)?.usage ?? NO_USAGE;
  return {
    id: `chatcmpl-${result.batch}-${result.row}`,
    object: "chat.completion",
    created: Math.floor(result.finishedAt / 1000),
    model: result.model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: result.answer.text, refusal: null },
        logprobs: null,
        finish_reason: FINISH_REASONS[result.answer.finish.unified],
      },
    ],
    usage: toOpenAiUsage(usage),
  };
}

const FINISH_REASONS: Record<FinishReason["unified"], string> = {
  stop: "stop",
  length: "length",
  refusal: "content_filter",
  "tool-call": "tool_calls",
  other: "stop",
};

function toOpenAiUsage(usage: Usage): JsonObject {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** OpenAI's own codes where it has one, else ours in its spelling. */
function openAiCode(code: ErrorCode): string {
  if (code === "expired" || code === "cancelled") return `batch_${code}`;
  return code.replaceAll("-", "_");
}
