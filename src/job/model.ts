// Models and the providers that serve them, as the configuration declares them.

import type { ModelId } from "./names.ts";

/** What tokens cost, by kind: integers of pico-dollars per token (dollars per million tokens × 10^6). */
export interface TokenPrices {
  /** Input that was neither read from nor written to the vendor's cache. */
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** Absent: as `output`, of which reasoning tokens are a part. */
  readonly reasoning?: number;
}

/** The prices of calls with a long input. */
export interface PriceTier extends TokenPrices {
  /** They hold for all tokens of a call whose whole input, cached parts included, is larger than this. */
  readonly aboveInputTokens: number;
}

export interface Price extends TokenPrices {
  /** Of rising `aboveInputTokens`; the last one that a call's input is above holds. */
  readonly tiers?: readonly PriceTier[];
  /** What the vendor's batch endpoint takes off, in millionths: 500,000 is half price. Absent: not known. */
  readonly batchDiscountMillionths?: number;
  /** True: declared to cost nothing, which a price of 0 alone doesn't say. Every number is then 0. */
  readonly free?: boolean;
}

/** Vendor limits; an absent dimension is unlimited. `tpm` counts input and output together (OpenAI), `itpm`/`otpm` apart (Anthropic). */
export interface Limits {
  readonly rpm?: number;
  /** Requests per day. */
  readonly rpd?: number;
  readonly tpm?: number;
  readonly itpm?: number;
  readonly otpm?: number;
  /** Calls in flight at once, over the whole fleet. */
  readonly concurrency?: number;
  /** How much of a minute's limit may go at once, in milliseconds at its rate; absent: half a second's worth. */
  readonly burstMs?: number;
}

/** Limits that several models of a provider share: each of their calls passes them beside the model's own. */
export interface SharedLimits {
  readonly models: readonly ModelId[];
  readonly limits: Limits;
}

/** How a vendor counts a call against its limits; the presets of each kind are in limits/charging.ts. */
export interface ChargingPolicy {
  /**
   * Tokens taken as the call arrives: the larger of its characters / 4 and `max_tokens` (`max`), its input and `max_tokens` (`sum`), or its
   * input and the output to be expected (`expected`).
   */
  readonly upFront: "max" | "sum" | "expected";
  /** What the call used replaces that in the end; else it stands, however little was used. */
  readonly settles: boolean;
  /** Calls that the vendor answers with an error count as requests, and with their tokens unless it was a 429. */
  readonly countsFailures: boolean;
  /** Input read from the prompt cache counts. */
  readonly countsCacheReads: boolean;
}

/** What a provider does with the data it is given. */
export interface DataHandling {
  readonly region?: string;
  /** How long it keeps what it was sent. */
  readonly retentionMs?: number;
  readonly trains?: boolean;
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
  readonly sharedLimits?: readonly SharedLimits[];
  /** What becomes of the data that its models are given; absent: not known, which bars it from every class that has a rule on it. */
  readonly data?: DataHandling;
  /** What differs from the preset of its kind. */
  readonly charging?: Partial<ChargingPolicy>;
  readonly models: readonly ModelSpec[];
}

export interface Capabilities {
  readonly jsonSchema: boolean;
  readonly images: boolean;
  readonly tools: boolean;
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
  readonly capabilities: Capabilities;
  /** By every configured class of data, why it may not see jobs of that class; null: it may. A class that is not here is not known, and bars it. */
  readonly barredFor: Readonly<Record<string, string | null>>;
}
