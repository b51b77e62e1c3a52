// OpenAI's rate-limit headers: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, with resets as durations such as `1s`, `6m0s`, `12ms`.

import type { LimitReading } from "../job/limit-reading.ts";

/** A per-minute bucket is full again within a minute: a longer reset belongs to a limit per day, which these headers also carry. */
const LONGEST_MINUTE_RESET_MS = 90_000;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function readOpenAiLimits(headers: Headers): readonly LimitReading[] {
  const requests = readLimit(headers, "rpm", "requests");
  const tokens = tighter(readLimit(headers, "tpm", "tokens"), readLimit(headers, "tpm", "project-tokens"));
  return [requests, tokens].filter((reading) => reading !== undefined);
}

/** `6m0s` → 360000; `1.5s`, `12ms`, `1h2m3s` and a bare number of seconds too; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : undefined;
  let sumMs = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|[smhd])/g)) sumMs += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return Math.ceil(sumMs);
}

function readLimit(headers: Headers, dimension: LimitReading["dimension"], name: string): LimitReading | undefined {
  const remaining = headers.get(`x-ratelimit-remaining-${name}`);
  if (remaining === null || !/^-?\d+$/.test(remaining)) return undefined;
  const limit = headers.get(`x-ratelimit-limit-${name}`) ?? "";
  const resetMs = parseDurationMs(headers.get(`x-ratelimit-reset-${name}`) ?? "");
  if (resetMs !== undefined && resetMs > LONGEST_MINUTE_RESET_MS) return undefined;
  return {
    dimension,
    ...(/^\d+$/.test(limit) ? { limit: Number(limit) } : {}),
    remaining: Math.max(0, Number(remaining)),
    ...(resetMs === undefined ? {} : { resetMs, isResetExact: true as const }),
  };
}

function tighter(a: LimitReading | undefined, b: LimitReading | undefined): LimitReading | undefined {
  if (!a || !b) return a ?? b;
  return b.remaining < a.remaining ? b : a;
}
