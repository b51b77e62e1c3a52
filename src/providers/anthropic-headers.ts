// Anthropic's rate-limit headers: `anthropic-ratelimit-{requests,input-tokens,output-tokens,tokens}-{limit,remaining,reset}`, with resets as RFC 3339 times.

import type { LimitReading } from "../job/limit-reading.ts";

/** `now` (unix ms) turns the resets into durations. `…-tokens-…` repeats the tightest of the others: read only where they are missing. */
export function readAnthropicLimits(headers: Headers, now: number): readonly LimitReading[] {
  const apart = [readLimit(headers, "itpm", "input-tokens", now), readLimit(headers, "otpm", "output-tokens", now)];
  const tokens = apart.some((reading) => reading) ? apart : [readLimit(headers, "tpm", "tokens", now)];
  return [readLimit(headers, "rpm", "requests", now), ...tokens].filter((reading) => reading !== undefined);
}

function readLimit(headers: Headers, dimension: LimitReading["dimension"], name: string, now: number): LimitReading | undefined {
  const remaining = headers.get(`anthropic-ratelimit-${name}-remaining`);
  if (remaining === null || !/^-?\d+$/.test(remaining)) return undefined;
  const limit = headers.get(`anthropic-ratelimit-${name}-limit`) ?? "";
  const reset = Date.parse(headers.get(`anthropic-ratelimit-${name}-reset`) ?? "");
  return {
    dimension,
    ...(/^\d+$/.test(limit) ? { limit: Number(limit) } : {}),
    remaining: Math.max(0, Number(remaining)),
    ...(Number.isNaN(reset) ? {} : { resetMs: Math.max(0, reset - now) }),
  };
}
