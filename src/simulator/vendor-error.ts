// How a vendor says no, before it is put into the vendor's own words.

import type { LimitRefusal } from "./call-limits.ts";

export type VendorError =
  /** `parameter` and `code` are told by OpenAI only. */
  | { readonly kind: "bad-request"; readonly message: string; readonly parameter?: string; readonly code?: string }
  | { readonly kind: "bad-key" }
  | { readonly kind: "forbidden" }
  | { readonly kind: "unknown-model"; readonly model: string }
  | { readonly kind: "unknown-path"; readonly path: string }
  /** The input alone, or with `maxOutputTokens`, is above the window. */
  | { readonly kind: "context"; readonly inputTokens: number; readonly maxOutputTokens: number | undefined; readonly contextWindow: number }
  /** `max_tokens` is above the model's most. */
  | { readonly kind: "output-too-long"; readonly model: string; readonly maxOutputTokens: number; readonly most: number }
  | { readonly kind: "too-large" }
  /** `isSilent`: how long to wait is not told. */
  | { readonly kind: "rate-limit"; readonly model: string; readonly refusal: LimitRefusal; readonly isSilent?: boolean }
  /** Will not pass by waiting: no credit, a self-set limit, the bill unpaid, the tier's cap. */
  | { readonly kind: "quota" }
  | { readonly kind: "billing" }
  | { readonly kind: "spend-cap" }
  /** `status`: 500 or 503. */
  | { readonly kind: "outage"; readonly status: number }
  | { readonly kind: "overloaded" }
  | { readonly kind: "slow-down" };

/** An HTTP answer, its request id and general headers aside. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as it is when a string, else as JSON. */
  readonly body: string | object;
}

export function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}
