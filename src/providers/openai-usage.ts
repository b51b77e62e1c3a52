// The tokens of an answer, as OpenAI and the servers that speak its format tell them. They agree on the names and differ in what the counts hold:
//
//   OpenAI, and most    completion_tokens holds the reasoning                             total = prompt + completion
//   xAI                 reasoning stands beside it                                        total = prompt + completion + reasoning
//   Gemini, by gateway  thoughts are in no count but the total                            total = prompt + completion + thoughts
//   Anthropic, likewise prompt_tokens leaves out what was read from the cache or written  total = prompt + completion + cached + written
//
// So the total decides where there is a sane one. What the vendor charges for is never to be missing here: where the shapes leave a doubt, the larger count stands.

import type { JsonObject, JsonValue } from "../job/json.ts";
import type { Usage } from "../job/usage.ts";
import { asCount, asObject, readCounts } from "./read-json.ts";

/** Undefined where the server doesn't say, or says what can't be: an estimate is better than nothing at all. */
export function readOpenAiUsage(usage: JsonObject): Usage | undefined {
  const counts = readCounts({ prompt: usage.prompt_tokens, completion: usage.completion_tokens });
  if (!counts) return undefined;
  const input = asObject(usage.prompt_tokens_details);
  const output = asObject(usage.completion_tokens_details);
  const { completion } = counts;
  const total = asCount(usage.total_tokens) ?? 0;
  const prompt = asCount(usage.prompt_tokens) ?? Math.max(0, total - completion);
  const reasoning = first(output?.reasoning_tokens, usage.reasoning_tokens);
  // Moonshot, DeepSeek, and gateways to Anthropic tell it at the top.
  const cached = first(input?.cached_tokens, usage.cached_tokens, usage.prompt_cache_hit_tokens, usage.cache_read_input_tokens);
  const written = first(input?.cache_write_tokens, usage.cache_creation_input_tokens);

  const surplus = Math.max(0, total - prompt - completion);
  const isCacheBeside = cached + written > 0 && surplus !== reasoning && [0, reasoning].includes(surplus - cached - written);
  const inputTokens = prompt + (isCacheBeside ? cached + written : 0);
  const outputTokens = Math.max(completion, total - inputTokens, reasoning > completion ? completion + reasoning : 0);
  const cachedInputTokens = Math.min(cached, inputTokens);
  return {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens: Math.min(written, inputTokens - cachedInputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
  };
}

/** The first of the places that has a count. Servers fill in those that they don't use with zeros. */
function first(...places: readonly (JsonValue | undefined)[]): number {
  return places.map((place) => asCount(place) ?? 0).find((count) => count > 0) ?? 0;
}
