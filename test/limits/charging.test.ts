import { describe, expect, it } from "vitest";
import { NO_USAGE } from "../../src/job/usage.ts";
import { finalCharge, upFrontCharge, usedCharge } from "../../src/limits/charging.ts";

const usage = { ...NO_USAGE, inputTokens: 100, cachedInputTokens: 40, outputTokens: 20 };

describe("charging", () => {
  it("charges OpenAI the larger of expected output and max_tokens beside the input, and never gives max_tokens back", () => {
    const { charge, floor } = upFrontCharge("openai", { inputTokens: 90, outputTokens: 50, maxOutputTokens: 400 });
    expect(charge).toMatchObject({ rpm: 1, tpm: 490 });
    expect(finalCharge(usedCharge("openai", usage), floor)).toMatchObject({ rpm: 1, tpm: 490 });
  });

  it("corrects OpenAI's charge to the actual tokens where no max_tokens was given, but not below the input", () => {
    const { charge, floor } = upFrontCharge("openai-compatible", { inputTokens: 90, outputTokens: 50 });
    expect(charge).toMatchObject({ tpm: 140 });
    expect(finalCharge(usedCharge("openai-compatible", usage), floor)).toMatchObject({ tpm: 120 });
    expect(finalCharge(usedCharge("openai-compatible", NO_USAGE), floor)).toMatchObject({ rpm: 1, tpm: 90 });
  });

  it("leaves max_tokens and cache reads out of Anthropic's", () => {
    const { charge, floor } = upFrontCharge("anthropic", { inputTokens: 90, outputTokens: 50, maxOutputTokens: 64_000 });
    expect(charge).toMatchObject({ rpm: 1, itpm: 90, otpm: 50 });
    expect(finalCharge(usedCharge("anthropic", usage), floor)).toMatchObject({ rpm: 1, itpm: 60, otpm: 20 });
  });
});
