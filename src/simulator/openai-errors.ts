// OpenAI's errors: `{error: {message, type, param, code}}`. Source: developers.openai.com/api/docs/guides/error-codes.

import { seconds, type HttpAnswer, type VendorError } from "./vendor-error.ts";

export function openaiError(error: VendorError): HttpAnswer {
  switch (error.kind) {
    case "bad-request":
      return answer(400, error.message, "invalid_request_error", error.code ?? null, error.parameter ?? null);
    case "bad-key":
      return answer(
        401,
        "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        "invalid_api_key",
      );
    case "forbidden":
      return answer(403, "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory");
    case "unknown-model":
      return answer(
        404,
        `The model \`${error.model}\` does not exist or you do not have access to it.`,
        "invalid_request_error",
        "model_not_found",
      );
    case "unknown-path":
      return answer(404, `Invalid URL (${error.path})`, "invalid_request_error", null);
    case "context":
      return answer(400, contextMessage(error), "invalid_request_error", "context_length_exceeded", "messages");
    case "output-too-long": {
      const message = `max_tokens is too large: ${error.maxOutputTokens}. This model supports at most ${error.most} completion tokens, whereas you provided ${error.maxOutputTokens}.`;
      return answer(400, message, "invalid_request_error", "invalid_value", "max_tokens");
    }
    case "too-large":
      return {
        status: 413,
        headers: { "content-type": "text/html" },
        body: "<html><head><title>413 Request Entity Too Large</title></head></html>",
      };
    case "rate-limit":
      return rateLimit(error);
    case "quota":
      return answer(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
      );
    case "billing":
      return answer(
        429,
        "Your credit balance is exhausted. Please add credits to continue.",
        "insufficient_quota",
        "credit_balance_exhausted",
      );
    case "spend-cap":
      return answer(429, "Your organization has reached its spend limit.", "insufficient_quota", "organization_spend_limit_exceeded");
    case "outage":
      return error.status === 503
        ? answer(503, "Service Unavailable", "server_error", null)
        : answer(error.status, "The server had an error while processing your request. Sorry about that!", "server_error", null);
    case "overloaded":
      return answer(503, "The engine is currently overloaded, please try again later", "server_error", null);
    case "slow-down":
      return answer(
        503,
        "Slow Down: please reduce your request rate to its original level, keep it there for at least 15 minutes, then raise it gradually.",
        "server_error",
        "slow_down",
      );
    default:
      return error satisfies never;
  }
}

function answer(status: number, message: string, type: string, code: string | null, param: string | null = null): HttpAnswer {
  return { status, headers: {}, body: { error: { message, type, param, code } } };
}

const NAMES = {
  rpm: "requests per min (RPM)",
  tpm: "tokens per min (TPM)",
  itpm: "input tokens per min (ITPM)",
  otpm: "output tokens per min (OTPM)",
  concurrency: "concurrent requests",
};

function rateLimit({ model, refusal, isSilent }: Extract<VendorError, { kind: "rate-limit" }>): HttpAnswer {
  const type = refusal.dimension === "rpm" || refusal.dimension === "concurrency" ? "requests" : "tokens";
  const limit = `${model} in organization simulated on ${NAMES[refusal.dimension]}: Limit ${refusal.limit}`;
  if (refusal.retryAfterMs === undefined) {
    const message = `Request too large for ${limit}, Requested ${refusal.requested}. The input or output tokens must be reduced in order to run successfully.`;
    return answer(429, message, type, "rate_limit_exceeded");
  }
  const used = Math.max(0, Math.round(refusal.limit - refusal.remaining));
  const wait = isSilent ? "later" : `in ${refusal.retryAfterMs}ms`;
  const message = `Rate limit reached for ${limit}, Used ${used}, Requested ${refusal.requested}. Please try again ${wait}.`;
  const headers = { "retry-after": seconds(refusal.retryAfterMs), "retry-after-ms": String(refusal.retryAfterMs) };
  return { ...answer(429, message, type, "rate_limit_exceeded"), headers: isSilent ? {} : headers };
}

function contextMessage(error: Extract<VendorError, { kind: "context" }>): string {
  const { inputTokens, maxOutputTokens, contextWindow } = error;
  const asked =
    inputTokens > contextWindow || maxOutputTokens === undefined
      ? `your messages resulted in ${inputTokens} tokens. Please reduce the length of the messages.`
      : `you requested ${inputTokens + maxOutputTokens} tokens (${inputTokens} in the messages, ${maxOutputTokens} in the completion). Please reduce the length of the messages or completion.`;
  return `This model's maximum context length is ${contextWindow} tokens. However, ${asked}`;
}
