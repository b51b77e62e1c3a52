// Anthropic's errors: `{type: "error", error: {type, message}, request_id}`. Source: docs.claude.com/en/api/errors.

import { seconds, type HttpAnswer, type VendorError } from "./vendor-error.ts";

export function anthropicError(error: VendorError, requestId: string): HttpAnswer {
  const answer = (
    status: number,
    type: string,
    message: string,
    more: { headers?: Record<string, string>; details?: object } = {},
  ): HttpAnswer => ({
    status,
    headers: more.headers ?? {},
    body: { type: "error", error: { type, message, ...(more.details ? { details: more.details } : {}) }, request_id: requestId },
  });
  switch (error.kind) {
    case "bad-request":
      return answer(400, "invalid_request_error", error.message);
    case "bad-key":
      return answer(401, "authentication_error", "invalid x-api-key");
    case "forbidden":
      return answer(403, "permission_error", "Your API key does not have permission to use the specified resource.");
    case "unknown-model":
      return answer(404, "not_found_error", `model: ${error.model}`);
    case "unknown-path":
      return answer(404, "not_found_error", "Not Found");
    case "context":
      return answer(400, "invalid_request_error", contextMessage(error));
    case "output-too-long": {
      const message = `max_tokens: ${error.maxOutputTokens} > ${error.most}, which is the maximum allowed number of output tokens for ${error.model}`;
      return answer(400, "invalid_request_error", message);
    }
    case "too-large":
      // Comes from the proxy in front of the API, which knows no JSON.
      return {
        status: 413,
        headers: { "content-type": "text/html" },
        body: "<html><head><title>413 Request Entity Too Large</title></head></html>",
      };
    case "rate-limit": {
      const { retryAfterMs } = error.refusal;
      const headers: Record<string, string> =
        retryAfterMs === undefined || error.isSilent ? {} : { "retry-after": seconds(Math.max(1, retryAfterMs)) };
      return answer(429, "rate_limit_error", rateLimitMessage(error), { headers });
    }
    case "quota":
      return answer(
        400,
        "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on 2099-01-01 at 00:00 UTC.",
      );
    case "billing":
      return answer(
        402,
        "billing_error",
        "Your credit balance is too low to access the API. Please go to Plans & Billing to upgrade or purchase credits.",
      );
    case "spend-cap":
      return answer(429, "rate_limit_error", "Your organization has reached the monthly spend limit of its usage tier.", {
        details: { error_code: "enforced_spend_limit_reached" },
      });
    case "outage":
      return answer(error.status, "api_error", error.status === 503 ? "Service unavailable" : "Internal server error");
    case "overloaded":
      return answer(529, "overloaded_error", "Overloaded");
    case "slow-down":
      return answer(
        429,
        "rate_limit_error",
        "This request would exceed your organization's acceleration limit: please increase your usage gradually.",
        {
          headers: { "retry-after": "5" },
          details: { error_code: "ramp_limit_exceeded" },
        },
      );
    default:
      return error satisfies never;
  }
}

function rateLimitMessage({ model, refusal }: Extract<VendorError, { kind: "rate-limit" }>): string {
  if (refusal.dimension === "concurrency") return "Number of concurrent connections has exceeded your rate limit. Please try again later.";
  const what = { rpm: "requests", tpm: "tokens", itpm: "input tokens", otpm: "output tokens" }[refusal.dimension];
  return `This request would exceed your organization's rate limit of ${refusal.limit} ${what} per minute (model: ${model}).`;
}

function contextMessage(error: Extract<VendorError, { kind: "context" }>): string {
  const { inputTokens, maxOutputTokens, contextWindow } = error;
  if (inputTokens > contextWindow) return `prompt is too long: ${inputTokens} tokens > ${contextWindow} maximum`;
  return `input length and \`max_tokens\` exceed context limit: ${inputTokens} + ${maxOutputTokens ?? 0} > ${contextWindow}, decrease input length or \`max_tokens\` and try again`;
}
