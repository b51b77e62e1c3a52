// What a call costs against the vendor's limits: the charging policy of each kind of provider, as plain numbers.
//
//                    up front                                     at the end
// openai,            tpm: max(characters / 4, max_tokens)         stands; a 429 took a request, and no tokens
// openai-compatible
// anthropic          itpm: high input · otpm: expected output          itpm: input without cache reads · otpm: actual output; an error took nothing
//
// OpenAI estimates by characters when the request arrives and gives nothing back, failures included. Anthropic counts output as it is produced,
// `max_tokens` plays no part, and cache reads are not counted; whether errors count isn't documented, and where they do its headers will tell.
// Sources: developers.openai.com/api/docs/guides/rate-limits; docs.claude.com/en/api/rate-limits.

import type { ChargingPolicy, ProviderKind, ProviderSpec } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";
import type { CallEnd, PermitRequest } from "./limiter.ts";

export const DIMENSIONS = ["rpm", "rpd", "tpm", "itpm", "otpm"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Requests or tokens, by dimension. Only the dimensions that a model, its shared limits or its account limit are looked at. */
export type Charge = Readonly<Record<Dimension, number>>;

export const NO_CHARGE: Charge = { rpm: 0, rpd: 0, tpm: 0, itpm: 0, otpm: 0 };
const ONE_REQUEST: Charge = { ...NO_CHARGE, rpm: 1, rpd: 1 };
/** By which OpenAI turns characters into tokens before it has counted any. */
const CHARACTERS_PER_TOKEN = 4;

const OPENAI: ChargingPolicy = { upFront: "max", settles: false, countsFailures: true, countsCacheReads: true };
const PRESETS: Readonly<Record<ProviderKind, ChargingPolicy>> = {
  openai: OPENAI,
  "openai-compatible": OPENAI,
  anthropic: { upFront: "expected", settles: true, countsFailures: false, countsCacheReads: false },
};

export function chargingPolicy({ kind, charging }: Pick<ProviderSpec, "kind" | "charging">): ChargingPolicy {
  return { ...PRESETS[kind], ...charging };
}

type ExpectedTokens = Pick<PermitRequest, "inputTokens" | "highInputTokens" | "inputCharacters" | "outputTokens" | "maxOutputTokens">;

/** Where the call's end corrects it, too much is taken rather than too little: what is underestimated arrives early, and a vendor that refuses it may ask for whole seconds. */
export function upFrontCharge(policy: ChargingPolicy, tokens: ExpectedTokens): Charge {
  const { inputCharacters, outputTokens, maxOutputTokens } = tokens;
  const inputTokens = policy.settles ? (tokens.highInputTokens ?? tokens.inputTokens) : tokens.inputTokens;
  const reserved = policy.upFront === "expected" ? outputTokens : (maxOutputTokens ?? outputTokens);
  const byCharacters = Math.ceil(inputCharacters / CHARACTERS_PER_TOKEN);
  const tpm = policy.upFront === "max" ? Math.max(byCharacters, maxOutputTokens ?? 0) : inputTokens + reserved;
  return { ...ONE_REQUEST, tpm, itpm: inputTokens, otpm: reserved };
}

/** What remains of a permit's charge when its call has ended; `kept`: all of it. */
export type FinalCharge = { readonly kind: "used"; readonly used: Charge } | { readonly kind: "kept" } | { readonly kind: "unused" };

export function finalCharge(policy: ChargingPolicy, end: CallEnd): FinalCharge {
  switch (end.ending) {
    case "answered":
      return policy.settles && end.usage ? { kind: "used", used: usedCharge(policy, end.usage) } : { kind: "kept" };
    case "failed":
      if (!policy.countsFailures) return { kind: "unused" };
      return end.refusal ? { kind: "used", used: ONE_REQUEST } : { kind: "kept" };
    case "broken-off":
      return { kind: "kept" };
    case "unreached":
      return { kind: "unused" };
    default:
      return end.ending satisfies never;
  }
}

function usedCharge(policy: ChargingPolicy, usage: Usage): Charge {
  const input = Math.max(0, usage.inputTokens - (policy.countsCacheReads ? 0 : usage.cachedInputTokens));
  return { ...ONE_REQUEST, tpm: input + usage.outputTokens, itpm: input, otpm: usage.outputTokens };
}
