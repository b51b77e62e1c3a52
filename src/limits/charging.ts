// What a call costs against the vendor's limits: the charging policy of each kind of provider, as plain numbers.
//
//                    up front                                        at the end (usage known)
// openai,            tpm: input + max(expected output, max_tokens)   tpm: actual, but never below what the vendor took up front:
// openai-compatible                                                  all of it with max_tokens, the input alone without
// anthropic          itpm: input · otpm: expected output             itpm: input without cache reads · otpm: actual output
//
// OpenAI charges max(max_tokens, its own estimate by characters) when the request arrives and gives nothing back, failures included; adding
// the input to max_tokens errs on the safe side of that. Anthropic counts output as it is produced, max_tokens plays no part, and cache
// reads are not counted; what is cached is known only afterwards. A call that ends without usage keeps its charge, for a failed request counts too.

import type { ProviderKind } from "../job/model.ts";
import type { Usage } from "../job/usage.ts";

export const DIMENSIONS = ["rpm", "tpm", "itpm", "otpm"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Requests or tokens, by dimension. Only the dimensions that a model or its account limits are looked at. */
export type Charge = Readonly<Record<Dimension, number>>;

export const NO_CHARGE: Charge = { rpm: 0, tpm: 0, itpm: 0, otpm: 0 };

export interface UpFrontCharge {
  readonly charge: Charge;
  /** What the vendor doesn't give back, however little the call used. */
  readonly floor: Charge;
}

interface ExpectedTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly maxOutputTokens?: number;
}

export function upFrontCharge(kind: ProviderKind, { inputTokens, outputTokens, maxOutputTokens }: ExpectedTokens): UpFrontCharge {
  switch (kind) {
    case "openai":
    case "openai-compatible": {
      const reserved = Math.max(outputTokens, maxOutputTokens ?? 0);
      const kept = maxOutputTokens === undefined ? 0 : reserved;
      return {
        charge: { rpm: 1, tpm: inputTokens + reserved, itpm: inputTokens, otpm: reserved },
        floor: { rpm: 1, tpm: inputTokens + kept, itpm: inputTokens, otpm: kept },
      };
    }
    case "anthropic":
      return {
        charge: { rpm: 1, tpm: inputTokens + outputTokens, itpm: inputTokens, otpm: outputTokens },
        floor: { ...NO_CHARGE, rpm: 1 },
      };
    default:
      return kind satisfies never;
  }
}

/** What the call turned out to use, before the floor is applied. */
export function usedCharge(kind: ProviderKind, usage: Usage): Charge {
  const cached = kind === "anthropic" ? usage.cachedInputTokens : 0;
  const input = Math.max(0, usage.inputTokens - cached);
  return { rpm: 1, tpm: input + usage.outputTokens, itpm: input, otpm: usage.outputTokens };
}

/** The charge that remains once the call has ended. */
export function finalCharge(used: Charge, floor: Charge): Charge {
  return {
    rpm: Math.max(used.rpm, floor.rpm),
    tpm: Math.max(used.tpm, floor.tpm),
    itpm: Math.max(used.itpm, floor.itpm),
    otpm: Math.max(used.otpm, floor.otpm),
  };
}
