import { describe, expect, it } from "vitest";
import type { ChargingPolicy, Price, ProviderSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Purpose } from "../../src/job/trail.ts";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { NO_PARTS, type ExpectedCalls, type TokenParts } from "../../src/plan/plan.ts";
import { exactly } from "../../src/plan/spread.ts";
import { dearestParts, toGroupCalls } from "../../src/plan/group-calls.ts";
import type { RowGroup, RowScan } from "../../src/plan/scan-rows.ts";
import { judgeRequest } from "../../src/quality/judge.ts";
import { complexityRequest } from "../../src/routing/ask-complexity.ts";
import { modelSpec } from "../routing/specs.ts";
import { times } from "./plan-specs.ts";

const MODEL: ModelId = "a/1";
/** Pico-dollars a token. */
const PRICE: Price = { input: 2_000_000, cachedInput: 200_000, cacheWrite: 2_500_000, output: 8_000_000, reasoning: 40_000_000 };

interface Made {
  readonly purpose?: Purpose;
  readonly group?: Partial<RowGroup>;
  /** Of the provider. */
  readonly charging?: Partial<ChargingPolicy>;
}

function callsAt(parts: TokenParts, price: Price = PRICE, { purpose = "answer", group: changes = {}, charging = {} }: Made = {}) {
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
    purpose,
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
    lengths: [new Map([[0, { rows: 10, inputTokens: 10_000 }]])],
    chargedTokens: [10_000],
    outputTokens: 0,
    maxOutputTokens: 0,
    limitedRows: 0,
    answers: 10,
    judges: [],
    ...changes,
  };
  const spec = { ...modelSpec(MODEL), price };
  const fleet = {
    models: new Map([[MODEL, spec]]),
    providers: new Map([["a", { name: "a", kind: "openai", models: [spec], charging } as unknown as ProviderSpec]]),
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
    expect(dearestParts(NO_PARTS, PRICE)).toEqual({ cached: 0, written: 0, reasoning: 1 });
    expect(dearestParts({ ...NO_PARTS, written: 0.1 }, PRICE)).toEqual({ cached: 0, written: 1, reasoning: 1 });
    const { reasoning: _reasoning, ...plain } = PRICE;
    expect(dearestParts(NO_PARTS, plain)).toEqual(NO_PARTS);
  });
});

describe("what a call of a plan takes of OpenAI's limits", () => {
  /** Ten rows: our count of their texts, and the limits of those that have one. */
  const rowsOf = (tokens: number, limits: readonly number[] = []): Partial<RowGroup> => ({
    lengths: [new Map([[0, { rows: 10, inputTokens: 10 * tokens }]])],
    chargedTokens: [times(10, (i) => Math.max(tokens, limits[i] ?? 0)).reduce((sum, each) => sum + each, 0)],
    maxOutputTokens: limits.reduce((sum, each) => sum + each, 0),
    limitedRows: limits.length,
  });
  const chargeOf = (made: Made) => callsAt(NO_PARTS, PRICE, made).charge;

  it("is each row's text, or its own limit where that is more: one row's stands for no other", () => {
    expect(chargeOf({ group: rowsOf(30) }).tpm).toBe(30);
    expect(chargeOf({ group: rowsOf(30, [16_000]) }).tpm).toBe((16_000 + 9 * 30) / 10);
    expect(chargeOf({ group: rowsOf(30, [10]) }).tpm).toBe(30);
    expect(
      chargeOf({
        group: rowsOf(
          30,
          times(10, () => 500),
        ),
      }).tpm,
    ).toBe(500);
  });

  it("is of output, where that is limited by itself, the limit of rows that have one, and what others will be", () => {
    expect(chargeOf({ group: rowsOf(30, [16_000]) }).otpm).toBe((16_000 + 9 * 200) / 10);
    const sum = chargeOf({ group: rowsOf(30, [16_000]), charging: { upFront: "sum" } });
    expect(sum.tpm).toBe(30 + (16_000 + 9 * 200) / 10);
    expect(chargeOf({ group: rowsOf(30, [16_000]), charging: { upFront: "expected" } })).toMatchObject({ tpm: 230, otpm: 200 });
  });

  it("is of a judgement and of an analysis what their own requests may answer at most, and of a repair what its row's may", () => {
    const { maxOutputTokens: verdict } = judgeRequest(
      { models: [], rubric: "Right?", passMark: 5, sample: 1, onFail: "escalate" },
      { asked: "Where?", answer: { text: "There.", finish: { unified: "stop", raw: null } } },
    );
    const { maxOutputTokens: complexity } = complexityRequest({ name: "classify" }, "Where?");
    expect([verdict, complexity]).toEqual([1_000, 400]);
    for (const group of [rowsOf(30), rowsOf(30, [16_000])]) {
      expect(chargeOf({ purpose: "judge", group }).tpm).toBe(verdict);
      expect(chargeOf({ purpose: "analyse", group }).tpm).toBe(complexity);
    }
    expect(chargeOf({ purpose: "judge", group: rowsOf(3_000) }).tpm).toBe(3_000);
    expect(
      chargeOf({
        purpose: "repair",
        group: rowsOf(
          30,
          times(10, () => 500),
        ),
      }).tpm,
    ).toBe(500);
    expect(chargeOf({ purpose: "repair", group: rowsOf(30) }).tpm).toBe(30);
  });
});
