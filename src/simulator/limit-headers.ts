// The vendors' rate-limit headers, computed from the state of the buckets.
// Sources: developers.openai.com/api/docs/guides/rate-limits; docs.claude.com/en/api/rate-limits.

import type { Dimension, LimitState } from "./call-limits.ts";

/** `x-ratelimit-*`: times as durations (`12ms`, `1.5s`, `6m0s`) until the bucket is full. */
export function openaiLimitHeaders(states: readonly LimitState[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const state of states) {
    const name = state.dimension === "rpm" ? "requests" : "tokens";
    headers[`x-ratelimit-limit-${name}`] = String(state.limit);
    headers[`x-ratelimit-remaining-${name}`] = String(remaining(state));
    headers[`x-ratelimit-reset-${name}`] = formatDuration(state.fullInMs);
  }
  return headers;
}

const ANTHROPIC_NAMES: Readonly<Record<Dimension, string>> = {
  rpm: "requests",
  tpm: "tokens",
  itpm: "input-tokens",
  otpm: "output-tokens",
};

/** `anthropic-ratelimit-*`: times in RFC 3339, tokens rounded to thousands; `…-tokens-*` repeats the tighter of input and output. */
export function anthropicLimitHeaders(states: readonly LimitState[], nowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  const write = (name: string, state: LimitState, left: number) => {
    headers[`anthropic-ratelimit-${name}-limit`] = String(state.limit);
    headers[`anthropic-ratelimit-${name}-remaining`] = String(left);
    headers[`anthropic-ratelimit-${name}-reset`] = formatTime(nowMs + state.fullInMs);
  };
  let tightest: LimitState | undefined;
  for (const state of states) {
    write(ANTHROPIC_NAMES[state.dimension], state, state.dimension === "rpm" ? remaining(state) : roundedTokens(state));
    if (state.dimension !== "rpm" && (!tightest || state.level / state.limit < tightest.level / tightest.limit)) tightest = state;
  }
  if (tightest) write("tokens", tightest, roundedTokens(tightest));
  return headers;
}

/** As OpenAI writes durations. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const total = Math.ceil(ms) / 1000;
  if (total < 60) return `${total}s`;
  const minutes = Math.floor(total / 60);
  const rest = `${Math.round((total % 60) * 1000) / 1000}s`;
  return minutes < 60 ? `${minutes}m${rest}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}`;
}

/** RFC 3339 in whole seconds, rounded up so that the bucket is full by then. */
function formatTime(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

function remaining(state: LimitState): number {
  return Math.max(0, Math.floor(state.level + 1e-6));
}

/** A bucket of a few thousand tokens would read as empty most of the time: it is told exactly. */
function roundedTokens(state: LimitState): number {
  return state.capacity < 10_000 ? remaining(state) : Math.max(0, Math.round(state.level / 1000) * 1000);
}
