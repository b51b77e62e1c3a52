// Anthropic's errors as a table. Source: https://docs.claude.com/en/api/errors; unknown types fall through to their status.

import {
  INCAPABLE,
  INVALID,
  NO_ACCESS,
  NO_MODEL,
  NO_QUOTA,
  OVERLOADED,
  REFUSED,
  SLOW_DOWN,
  THROTTLED,
  TOO_LONG,
  TRANSIENT,
  type FailureRule,
} from "./vendor-failure.ts";

export const ANTHROPIC_RULES: readonly FailureRule[] = [
  // A tier's spend cap comes as a 429 without retry-after, a self-set one as a 400, an empty balance as a 400 or 402.
  { code: ["enforced_spend_limit_reached"], verdict: NO_QUOTA },
  { type: ["billing_error"], verdict: NO_QUOTA },
  { status: 402, verdict: NO_QUOTA },
  { status: 400, message: /reached your specified API usage limits|credit balance is too low/i, verdict: NO_QUOTA },

  { status: 429, verdict: THROTTLED },
  { type: ["rate_limit_error"], verdict: THROTTLED },
  { status: 503, message: /slow down/i, verdict: SLOW_DOWN },

  { status: 401, verdict: NO_ACCESS },
  { status: 403, verdict: NO_ACCESS },
  { status: 404, message: /\bmodel\b/i, verdict: NO_MODEL },
  { status: 404, verdict: NO_ACCESS },

  // 413 may come from the edge, whose body is not JSON.
  { status: 413, verdict: TOO_LONG },
  { type: ["request_too_large"], verdict: TOO_LONG },
  { status: 400, message: /prompt is too long|exceeds? (the )?(maximum )?context/i, verdict: TOO_LONG },

  { status: 400, message: /content filtering policy/i, verdict: REFUSED },

  // What this model can't do, another may.
  {
    status: 400,
    message:
      /not supported|(does|do) not support|unsupported|deprecated for this model|not permitted|may not be|max_tokens: \d+ >|cannot both be/i,
    verdict: INCAPABLE,
  },
  { status: 400, message: /output_config|input_schema|tool_choice/i, verdict: INCAPABLE },
  { status: 400, verdict: INVALID },
  { status: 422, verdict: INVALID },

  // A wrong address rather than a wrong request.
  { status: { from: 300, to: 399 }, verdict: NO_ACCESS },
  { status: 405, verdict: NO_ACCESS },
  { status: 529, verdict: OVERLOADED },
  { type: ["overloaded_error"], verdict: OVERLOADED },
  { status: { from: 400, to: 599 }, verdict: TRANSIENT },
];
