import { describe, expect, it } from "vitest";
import { modelWarnings } from "../../queues/model-warnings.ts";
import type { BreakerState } from "../../src/breaker/breaker.ts";
import type { Limits, ProviderSpec } from "../../src/job/model.ts";
import type { DimensionUse } from "../../src/limits/limit-use.ts";
import { modelWith } from "../contracts/limiter-contract.ts";

const CLOSED: BreakerState = { kind: "closed" };
const NOT_USED = { callsPerMinute: 0, inFlight: 0, heldUntil: 0 };

/** The warnings about the models a and b of provider p. */
function warningsOf({
  a = {},
  b = {},
  configured = {},
}: {
  readonly a?: { readonly breaker?: BreakerState; readonly dimensions?: readonly DimensionUse[] };
  readonly b?: { readonly breaker?: BreakerState; readonly dimensions?: readonly DimensionUse[] };
  readonly configured?: { readonly account?: Limits; readonly shared?: Limits; readonly a?: Limits; readonly b?: Limits };
}): readonly string[] {
  const models = [modelWith("p", "a", configured.a ?? {}), modelWith("p", "b", configured.b ?? {})];
  const sharedLimits = configured.shared ? [{ models: models.map(({ id }) => id), limits: configured.shared }] : [];
  const provider: ProviderSpec = { name: "p", kind: "openai", apiKey: "k", limits: configured.account ?? {}, sharedLimits, models };
  return modelWarnings({
    fleet: { providers: new Map([["p", provider]]) },
    models: [a, b].map(({ breaker = CLOSED, dimensions = [] }, i) => ({ model: models[i]!.id, breaker, use: { ...NOT_USED, dimensions } })),
  });
}

const open = (reason: string): BreakerState => ({ kind: "open", reason, openUntil: 1_000, openings: 1 });
const vendors = (limit: number): readonly DimensionUse[] => [{ dimension: "rpm", limit, isVendors: true, taken: 0 }];

describe("a vendor's limit below the configured one", () => {
  it("is told with both numbers and the line to change", () => {
    expect(warningsOf({ configured: { a: { rpm: 10_000 } }, a: { dimensions: vendors(500) } })).toEqual([
      "p/a allows 500 rpm by its vendor's word, 10,000 are configured: lower providers.p.models.a.limits.rpm. Until then the fleet keeps to the vendor's.",
    ]);
  });

  it("is told once where it is the account's, or one that models share", () => {
    const seen = { a: { dimensions: vendors(500) }, b: { dimensions: vendors(500) } };
    expect(warningsOf({ ...seen, configured: { account: { rpm: 9_000 } } })).toEqual([
      expect.stringMatching(/^p allows 500 rpm .* 9,000 are configured: lower providers\.p\.limits\.rpm\./),
    ]);
    expect(warningsOf({ ...seen, configured: { account: { rpm: 9_000 }, shared: { rpm: 8_000 } } })).toEqual([
      expect.stringMatching(/^p\/a with p\/b allows 500 rpm .* 8,000 are configured: lower their rpm in providers\.p\.sharedLimits\./),
    ]);
  });

  it("is not told of limits that are as configured", () => {
    const dimensions = [{ dimension: "rpm", limit: 500, isVendors: false, taken: 499 }] as const;
    expect(warningsOf({ configured: { a: { rpm: 500 } }, a: { dimensions } })).toEqual([]);
  });
});

describe("a breaker that only a person can close for good", () => {
  it.each([
    ["429 insufficient_quota: You exceeded your current quota, please check your plan and billing details.", "Raise the account's quota"],
    ["400 invalid_request_error: You have reached your specified API usage limits.", "Raise the account's quota"],
    ["402 billing_error: Your credit balance is too low to access the API.", "Raise the account's quota"],
    ["429 enforced_spend_limit_reached: Your organization has reached its spend limit.", "Raise the account's quota"],
    ["401 invalid_api_key: Incorrect API key provided: [key].", "Check the provider's apiKey"],
    ["403 permission_error: Your API key does not have permission to use the specified resource.", "Check the provider's apiKey"],
    ["404 model_not_found: The model `gpt-9` does not exist or you do not have access to it.", "Check the model's name"],
    ["404 not_found_error: model: claude-9", "Check the model's name"],
    ["404 Not Found", "Check the provider's baseUrl"],
    ["301: Moved Permanently", "Check the provider's baseUrl"],
  ])("is told with what to do: %s", (reason, remedy) => {
    const [warning = "", ...others] = warningsOf({ a: { breaker: open(reason) } });
    expect(others).toEqual([]);
    expect(warning).toContain(`p/a turns every call away: ${reason.replace(/\.$/, "")}. ${remedy}`);
  });

  it("is told once for all models of a provider", () => {
    const breaker = open("401 invalid_api_key: Incorrect API key provided");
    expect(warningsOf({ a: { breaker }, b: { breaker } })).toEqual([expect.stringMatching(/^p turns every call away: 401 /)]);
  });

  it("is told until a call has gone well again, not only until the next try", () => {
    const breaker = { kind: "half-open", reason: "401 invalid_api_key", openings: 2 } as const;
    expect(warningsOf({ a: { breaker } })).toHaveLength(1);
  });

  it.each([
    "12 of the last 20 calls failed",
    "the last 8 calls failed",
    "p/a asks for a wait: 429 rate_limit_exceeded: You exceeded your current quota, please retry in 40 s",
  ])("is not what opened it here, so nobody has to do anything: %s", (reason) => {
    expect(warningsOf({ a: { breaker: open(reason) } })).toEqual([]);
  });
});
