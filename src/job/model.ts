// Models and the providers that serve them, as the configuration declares them.

import type { ModelId } from "./names.ts";

/** Integers of pico-dollars per token (dollars per million tokens × 10^6). */
export interface Price {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
}

/** Vendor limits; an absent dimension is unlimited. `tpm` counts input and output together (OpenAI), `itpm`/`otpm` apart (Anthropic). */
export interface Limits {
  readonly rpm?: number;
  readonly tpm?: number;
  readonly itpm?: number;
  readonly otpm?: number;
  /** Calls in flight at once, over the whole fleet. */
  readonly concurrency?: number;
}

export type ProviderKind = "openai" | "anthropic" | "openai-compatible";

export interface ProviderSpec {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly apiKey: string;
  /** Where the vendor's API lives; absent: the vendor's own address. */
  readonly baseUrl?: string;
  /** Account-wide limits, above the models' own. */
  readonly limits: Limits;
  readonly models: readonly ModelSpec[];
}

export interface ModelSpec {
  readonly id: ModelId;
  readonly provider: string;
  /** The vendor's name for it, as sent on the wire. */
  readonly name: string;
  readonly tier: "fast" | "standard" | "premium";
  /** Absent: not known; its calls are booked at zero and reported as unpriced. */
  readonly price?: Price;
  readonly limits: Limits;
  /** Input and output tokens together. */
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  readonly capabilities: { readonly jsonSchema: boolean };
}
