// OpenAI's errors, and those of servers that speak its format, as a table.
// Source: https://developers.openai.com/api/docs/guides/error-codes; the wordings without a code are what the servers were seen to send.

import {
  INCAPABLE,
  INVALID,
  NO_ACCESS,
  NO_MODEL,
  NO_QUOTA,
  REFUSED,
  SLOW_DOWN,
  THROTTLED,
  TOO_LONG,
  TRANSIENT,
  type FailureRule,
} from "./vendor-failure.ts";

const QUOTA = [
  "insufficient_quota",
  "credit_balance_exhausted",
  "organization_spend_limit_exceeded",
  "project_spend_limit_exceeded",
  "organization_usage_limit_exceeded",
  "billing_hard_limit_reached",
  "billing_not_active",
];

export const OPENAI_RULES: readonly FailureRule[] = [
  // Quota comes as a 429 like a rate limit does: its code is what tells it apart.
  { code: QUOTA, means: NO_QUOTA },
  { type: QUOTA, means: NO_QUOTA },
  { status: 402, means: NO_QUOTA },
  // A request larger than a whole minute's tokens is a 429 that no waiting helps.
  { status: 429, message: /^request too large/i, means: TOO_LONG },
  { status: 429, means: THROTTLED },
  { status: 503, message: /slow down/i, means: SLOW_DOWN },

  { code: ["model_not_found"], means: NO_MODEL },
  { status: 404, message: /\bmodel\b/i, means: NO_MODEL },
  { status: 404, means: NO_ACCESS },
  { status: 401, means: NO_ACCESS },
  { status: 403, means: NO_ACCESS },

  { code: ["context_length_exceeded", "string_above_max_length"], means: TOO_LONG },
  { status: 413, means: TOO_LONG },
  {
    status: 400,
    message: /maximum context length|context (window|size|length)|(prompt|input|request) is too long|too many tokens/i,
    means: TOO_LONG,
  },

  { code: ["content_policy_violation", "content_filter", "invalid_prompt"], means: REFUSED },
  { status: 400, message: /content (management|filtering) policy|usage polic|safety system/i, means: REFUSED },

  // What this model can't do, another may.
  { status: 400, code: ["unsupported_parameter", "unsupported_value", "unsupported_model", "invalid_json_schema"], means: INCAPABLE },
  {
    status: 400,
    message: /not supported|(does|do) not support|unsupported|max_tokens.* is too large|invalid schema for/i,
    means: INCAPABLE,
  },
  { status: 400, means: INVALID },
  { status: 422, means: INVALID },

  // A wrong address rather than a wrong request.
  { status: { from: 300, to: 399 }, means: NO_ACCESS },
  { status: 405, means: NO_ACCESS },
  { status: { from: 400, to: 599 }, means: TRANSIENT },
];
