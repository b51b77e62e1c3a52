// What a call takes from its vendor's buckets, and when: the vendors differ.
//
// OpenAI (and what copies it): one request and max(max_tokens, estimate by characters) of TPM, up front; calls that fail count too.
// Anthropic: one request, the input tokens that are not read from the cache (ITPM), and output tokens (OTPM) as they are produced. Until 2025 its
// documentation had `max_tokens` reserved from OTPM up front and corrected at the end: `reserved`.
// Sources: developers.openai.com/api/docs/guides/rate-limits; docs.claude.com/en/api/rate-limits.

import type { ProviderKind } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";
import type { Charge } from "./call-limits.ts";

export type OutputCharging = "produced" | "reserved";

export interface ChargingPolicy {
  /** Failed and refused calls take a request too. */
  readonly countsFailures: boolean;
  /** Output leaves the bucket while the answer is being produced. */
  readonly drainsOutput: boolean;
  upFront(call: { readonly inputCharacters: number; readonly maxOutputTokens: number | undefined; readonly usage: Usage }): Charge;
  /** Corrects what was taken up front, once the answer is there. */
  atEnd(call: { readonly maxOutputTokens: number | undefined; readonly usage: Usage }): Charge;
}

/** The estimate by characters that vendors charge by: four to a token. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}

export function chargingPolicy(kind: ProviderKind, outputCharging: OutputCharging): ChargingPolicy {
  if (kind === "anthropic") return outputCharging === "produced" ? ANTHROPIC : ANTHROPIC_RESERVED;
  return OPENAI;
}

const OPENAI: ChargingPolicy = {
  countsFailures: true,
  drainsOutput: false,
  upFront: (call) => ({ rpm: 1, tpm: Math.max(call.maxOutputTokens ?? 0, estimateTokens(call.inputCharacters)) }),
  atEnd: () => ({}),
};

const ANTHROPIC: ChargingPolicy = {
  countsFailures: false,
  drainsOutput: true,
  upFront: ({ usage }) => ({ rpm: 1, itpm: usage.inputTokens - usage.cachedInputTokens, otpm: 0 }),
  atEnd: () => ({}),
};

const ANTHROPIC_RESERVED: ChargingPolicy = {
  countsFailures: false,
  drainsOutput: false,
  upFront: ({ usage, maxOutputTokens }) => ({
    ...ANTHROPIC.upFront({ usage, maxOutputTokens, inputCharacters: 0 }),
    otpm: maxOutputTokens ?? 0,
  }),
  atEnd: ({ usage, maxOutputTokens }) => ({ otpm: usage.outputTokens - (maxOutputTokens ?? 0) }),
};
