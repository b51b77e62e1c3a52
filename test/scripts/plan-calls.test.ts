import { describe, expect, it } from "vitest";
import type { Price, ProviderSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { NO_PARTS, type ExpectedCalls, type TokenParts } from "../../src/plan/plan.ts";
import { exactly } from "../../src/plan/spread.ts";
import { dearestParts, toGroupCalls } from "../../scripts/plan-calls.ts";
import type { RowGroup, RowScan } from "../../scripts/plan-rows.ts";
import { modelSpec } from "../routing/specs.ts";

const MODEL: ModelId = "a/1";
/** Pico-dollars a token. */
const PRICE: Price = { input: 2_000_000, cachedInput: 200_000, cacheWrite: 2_500_000, output: 8_000_000, reasoning: 40_000_000 };

function callsAt(parts: TokenParts, price: Price = PRICE) {
  const knowledge = {
    model: MODEL,
    answerRate: 1,
    inputFactor: 1,
    inputMore: 0,
    inputScale: exactly(1),
    outputTokens: exactly(200),
    parts,
    latenciesMs: [500],
    latencyScale: exactly(1),
  };
  const calls: ExpectedCalls = {
    model: MODEL,
    purpose: "answer",
    requests: 1,
    answers: 1,
    inputFactor: 1,
    inputMore: 0,
    outputTokens: 200,
    knowledge,
  };
  const group: RowGroup = {
    ways: [],
    firsts: 1,
    rows: 10,
    inputTokens: [10_000],
    chargedTokens: [10_000],
    outputTokens: 0,
    maxOutputTokens: 0,
    limitedRows: 0,
  };
  const spec = { ...modelSpec(MODEL), price };
  const fleet = {
    models: new Map([[MODEL, spec]]),
    providers: new Map([["a", { name: "a", kind: "openai", models: [spec] } as unknown as ProviderSpec]]),
  };
  return toGroupCalls(calls, group, { fleet, scan: { variantOf: () => 0 } as unknown as RowScan });
}

const usage = { ...NO_USAGE, inputTokens: 1_000, outputTokens: 200 };

describe("what a call of a plan costs", () => {
  it("is what the books would have it cost, with each part of its tokens at its own price", () => {
    expect(callsAt(NO_PARTS).costNanoUsd).toBeCloseTo(callCostNanoUsd(usage, PRICE), 6);
    const parts = { cached: 0.75, written: 0.1, reasoning: 0.5 };
    const used = { ...usage, cachedInputTokens: 750, cacheWriteTokens: 100, reasoningTokens: 100 };
    expect(callsAt(parts).costNanoUsd).toBeCloseTo(callCostNanoUsd(used, PRICE), 6);
  });

  it("goes by the tier of its input", () => {
    const tiered = {
      ...PRICE,
      tiers: [{ aboveInputTokens: 999, input: 4_000_000, cachedInput: 400_000, cacheWrite: 4_000_000, output: 16_000_000 }],
    };
    expect(callsAt(NO_PARTS, tiered).costNanoUsd).toBeCloseTo(callCostNanoUsd(usage, tiered), 6);
  });

  it("is at worst that of reasoning alone, and of written input where some was seen to be", () => {
    expect(dearestParts({ parts: NO_PARTS }, PRICE)).toEqual({ cached: 0, written: 0, reasoning: 1 });
    expect(dearestParts({ parts: { ...NO_PARTS, written: 0.1 } }, PRICE)).toEqual({ cached: 0, written: 1, reasoning: 1 });
    const { reasoning: _reasoning, ...plain } = PRICE;
    expect(dearestParts({ parts: NO_PARTS }, plain)).toEqual(NO_PARTS);
    expect(dearestParts({ parts: NO_PARTS }, undefined)).toEqual(NO_PARTS);
  });
});
