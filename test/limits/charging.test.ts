import { describe, expect, it } from "vitest";
import { NO_USAGE } from "../../src/job/usage.ts";
import { chargingPolicy, finalCharge, upFrontCharge } from "../../src/limits/charging.ts";
import type { CallEnd } from "../../src/limits/limiter.ts";

const usage = { ...NO_USAGE, inputTokens: 100, cachedInputTokens: 40, outputTokens: 20 };
const tokens = { inputTokens: 90, inputCharacters: 401, outputTokens: 50 };
const openai = chargingPolicy({ kind: "openai" });
const anthropic = chargingPolicy({ kind: "anthropic" });
const end = (changes: Partial<CallEnd>): CallEnd => ({ call: "c", model: "p/m", ending: "answered", ...changes });
const refused = end({ ending: "failed", refusal: { waitMs: 1_000, kind: "limit" } });

describe("charging", () => {
  it("charges OpenAI the larger of its characters by four and max_tokens, once and for all", () => {
    expect(upFrontCharge(openai, tokens)).toMatchObject({ rpm: 1, rpd: 1, tpm: 101 });
    expect(upFrontCharge(openai, { ...tokens, maxOutputTokens: 60 })).toMatchObject({ tpm: 101 });
    expect(upFrontCharge(openai, { ...tokens, maxOutputTokens: 400 })).toMatchObject({ tpm: 400 });
    expect(finalCharge(openai, end({ usage }))).toEqual({ kind: "kept" });
    expect(finalCharge(openai, end({ ending: "failed" }))).toEqual({ kind: "kept" });
    expect(finalCharge(openai, refused)).toMatchObject({ kind: "used", used: { rpm: 1, tpm: 0 } });
  });

  it("charges Anthropic input as estimated and output as expected, and what they turned out to be in the end", () => {
    expect(upFrontCharge(anthropic, { ...tokens, maxOutputTokens: 64_000 })).toMatchObject({ rpm: 1, itpm: 90, otpm: 50 });
    expect(finalCharge(anthropic, end({ usage }))).toMatchObject({ kind: "used", used: { rpm: 1, itpm: 60, otpm: 20 } });
    expect(finalCharge(anthropic, end({ ending: "failed" }))).toEqual({ kind: "unused" });
    expect(finalCharge(anthropic, refused)).toEqual({ kind: "unused" });
  });

  it("takes a high estimate where the end corrects it, and the likely one where it stands", () => {
    const scattered = { ...tokens, highInputTokens: 120 };
    expect(upFrontCharge(anthropic, scattered)).toMatchObject({ itpm: 120 });
    const sum = chargingPolicy({ kind: "openai-compatible", charging: { upFront: "sum" } });
    expect(upFrontCharge(sum, scattered)).toMatchObject({ tpm: 140, itpm: 90 });
  });

  it("keeps the charge of a call that was broken off, and gives back that of one that never arrived", () => {
    for (const policy of [openai, anthropic]) {
      expect(finalCharge(policy, end({ ending: "broken-off" }))).toEqual({ kind: "kept" });
      expect(finalCharge(policy, end({ ending: "unreached" }))).toEqual({ kind: "unused" });
    }
  });

  it("follows the policy that is configured, where it differs from the kind's", () => {
    const sum = chargingPolicy({ kind: "openai-compatible", charging: { upFront: "sum", settles: true } });
    expect(upFrontCharge(sum, { ...tokens, maxOutputTokens: 400 })).toMatchObject({ tpm: 490 });
    expect(upFrontCharge(sum, tokens)).toMatchObject({ tpm: 140 });
    expect(finalCharge(sum, end({ usage }))).toMatchObject({ kind: "used", used: { tpm: 120 } });
    const cached = chargingPolicy({ kind: "anthropic", charging: { countsCacheReads: true, countsFailures: true } });
    expect(finalCharge(cached, end({ usage }))).toMatchObject({ used: { itpm: 100 } });
    expect(finalCharge(cached, refused)).toMatchObject({ kind: "used", used: { rpm: 1, itpm: 0 } });
  });
});
