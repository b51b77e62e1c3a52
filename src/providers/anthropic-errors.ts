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
  { code: ["enforced_spend_limit_reached"], means: NO_QUOTA },
  { type: ["billing_error"], means: NO_QUOTA },
  { status: 402, means: NO_QUOTA },
  { status: 400, message: /reached your specified API usage limits|credit balance is too low/i, means: NO_QUOTA },

  { status: 429, means: THROTTLED },
  { type: ["rate_limit_error"], means: THROTTLED },
  { status: 503, message: /slow down/i, means: SLOW_DOWN },

  { status: 401, means: NO_ACCESS },
  { status: 403, means: NO_ACCESS },
  { status: 404, message: /\bmodel\b/i, means: NO_MODEL },
  { status: 404, means: NO_ACCESS },

  // 413 may come from the edge, whose body is not JSON.
  { status: 413, means: TOO_LONG },
  { type: ["request_too_large"], means: TOO_LONG },
  { status: 400, message: /prompt is too long|exceeds? (the )?(maximum )?context/i, means: TOO_LONG },

  { status: 400, message: /content filtering policy/i, means: REFUSED },

  // What this model can't do, another may.
  {
    status: 400,
    message:
      /not supported|(does|do) not support|unsupported|deprecated for this model|not permitted|may not be|max_tokens: \d+ >|cannot both be/i,
    means: INCAPABLE,
  },
  { status: 400, message: /output_config|input_schema|tool_choice/i, means: INCAPABLE },
  { status: 400, means: INVALID },
  { status: 422, means: INVALID },

  // A wrong address rather than a wrong request.
  { status: { from: 300, to: 399 }, means: NO_ACCESS },
  { status: 405, means: NO_ACCESS },
  { status: 529, means: OVERLOADED },
  { type: ["overloaded_error"], means: OVERLOADED },
  { status: { from: 400, to: 599 }, means: TRANSIENT },
];
