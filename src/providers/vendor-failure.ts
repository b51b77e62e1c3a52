// A vendor's refusal as it arrives, and the table that turns it into an outcome.

import type { LimitReading } from "../job/limit-reading.ts";
import type { Outcome, UpTo } from "../job/outcome.ts";
import { asArray, asObject, asText, parseJson } from "./read-json.ts";
import { readRetryAfterMs } from "./retry-after.ts";
import type { Scrub } from "./scrub.ts";

/** An HTTP answer that is not 2xx, read leniently: any of the words may be missing or new. */
export interface VendorFailure {
  readonly status: number;
  readonly type?: string;
  readonly code?: string;
  readonly message: string;
  readonly headers: Headers;
}

/** What a failure means. `throttled` and `transient` take their wait from the answer's headers. */
export type Meaning =
  | { readonly kind: "throttled"; readonly isSlowDown?: true }
  | { readonly kind: "transient"; readonly isWide?: true }
  | { readonly kind: "refused" }
  | { readonly kind: "invalid" }
  | { readonly kind: "unavailable"; readonly scope: "model" | "provider"; readonly openForMs: number | UpTo }
  | { readonly kind: "unfit"; readonly cause: "context" | "capability" };

/** A row of a vendor's table: it applies when every given field matches; the first row that applies decides. */
export interface FailureRule {
  readonly status?: number | { readonly from: number; readonly to: number };
  readonly type?: readonly string[];
  readonly code?: readonly string[];
  readonly message?: RegExp;
  readonly means: Meaning;
}

export const THROTTLED: Meaning = { kind: "throttled" };
/** A lower rate is asked for, for a good while. */
export const SLOW_DOWN: Meaning = { kind: "throttled", isSlowDown: true };
export const TRANSIENT: Meaning = { kind: "transient" };
/** Not this model alone: the whole vendor. */
export const OVERLOADED: Meaning = { kind: "transient", isWide: true };
export const REFUSED: Meaning = { kind: "refused" };
export const INVALID: Meaning = { kind: "invalid" };
export const TOO_LONG: Meaning = { kind: "unfit", cause: "context" };
export const INCAPABLE: Meaning = { kind: "unfit", cause: "capability" };
/** Quotas and spend limits are raised by people, keys put right by them: up to ten minutes between looks. Some such answers are a vendor's slip, so the first look comes soon. */
export const NO_QUOTA: Meaning = { kind: "unavailable", scope: "provider", openForMs: { upTo: 600_000 } };
export const NO_ACCESS: Meaning = { kind: "unavailable", scope: "provider", openForMs: { upTo: 300_000 } };
export const NO_MODEL: Meaning = { kind: "unavailable", scope: "model", openForMs: { upTo: 300_000 } };

const DEFAULT_THROTTLE_MS = 1_500;

/** Refused at the door: nothing was counted or billed. Other failures may be: OpenAI counts failed requests against its limits. */
const NOT_COUNTED: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 413, 429]);

export function isBillable(failure: VendorFailure): boolean {
  return failure.status >= 400 && !NOT_COUNTED.has(failure.status);
}

/** The outcome of a failure by a vendor's rules. A failure that no row knows is transient: attempts bound it. */
export function toOutcome(
  failure: VendorFailure,
  rules: readonly FailureRule[],
  context: { readonly scrub: Scrub; readonly now: number; readonly limits: readonly LimitReading[] },
): Outcome {
  const { means } = rules.find((rule) => applies(rule, failure)) ?? { means: TRANSIENT };
  const words = [String(failure.status), failure.code ?? failure.type].filter((word) => word !== undefined).join(" ");
  const reason = context.scrub(failure.message === "" ? words : `${words}: ${failure.message}`);
  const retryAfterMs = readRetryAfterMs(failure.headers, context.now);
  switch (means.kind) {
    case "throttled": {
      const toldMs = retryAfterMs ?? resetWaitMs(context.limits);
      return {
        kind: "throttled",
        waitMs: toldMs ?? DEFAULT_THROTTLE_MS,
        source: "vendor",
        reason,
        ...(toldMs === undefined ? { isGuess: true as const } : {}),
        ...(means.isSlowDown ? { isSlowDown: true as const } : {}),
      };
    }
    case "transient":
      return { ...means, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    default:
      return { ...means, reason };
  }
}

/** Reads a failed answer's body, whichever of the known envelopes it has: `{error: {…}}`, `[{error: {…}}]`, `{error: "…"}`, `{message}`, `{detail}`, or no JSON at all. */
export function readFailure(status: number, headers: Headers, text: string): VendorFailure {
  const parsed = parseJson(text);
  const body = asObject(asArray(parsed)?.[0] ?? parsed);
  if (!body) return { status, headers, message: text.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, " ").slice(0, 2_000) };
  const error = asObject(body.error) ?? body;
  const code = asText(asObject(error.details)?.error_code) ?? asText(error.code);
  const type = asText(error.type);
  const message = asText(error.message) ?? asText(body.error) ?? asText(body.detail) ?? JSON.stringify(body.detail ?? body);
  return { status, headers, message, ...(type === undefined ? {} : { type }), ...(code === undefined ? {} : { code }) };
}

function applies(rule: FailureRule, failure: VendorFailure): boolean {
  const { status, type, code, message } = rule;
  if (typeof status === "number" && status !== failure.status) return false;
  if (typeof status === "object" && (failure.status < status.from || failure.status > status.to)) return false;
  if (type && !type.includes(failure.type ?? "")) return false;
  if (code && !code.includes(failure.code ?? "")) return false;
  return !message || message.test(failure.message);
}

/** Until the exhausted limits are full again: the vendor's own upper bound. */
function resetWaitMs(limits: readonly LimitReading[]): number | undefined {
  const resets = limits.flatMap(({ remaining, resetMs }) => (remaining <= 0 && resetMs !== undefined && resetMs > 0 ? [resetMs] : []));
  return resets.length > 0 ? Math.max(...resets) : undefined;
}
