import { describe, expect, it } from "vitest";
import { cataloguePrice, type CatalogueQuestion } from "../../src/cost/price-catalogue.ts";

const AT = new Date("2026-11-23T12:00:00Z");
const OPENAI = { kind: "openai" } as const;
const ANTHROPIC = { kind: "anthropic" } as const;
const at = (baseUrl: string) => ({ kind: "openai-compatible", baseUrl }) as const;
const GOOGLE = at("https://generativelanguage.googleapis.com/v1beta/openai/");
const GROQ = at("https://api.groq.com/openai/v1");
const MISTRAL = at("https://api.mistral.ai/v1");
const TOGETHER = at("https://api.together.xyz/v1");
const OPENROUTER = at("https://openrouter.ai/api/v1");
const DEEPSEEK = at("https://api.deepseek.com");

const ask = (provider: Omit<CatalogueQuestion, "model">, model: string, time = AT) => cataloguePrice({ ...provider, model }, time);

describe("prices that the vendors list, in dollars per million tokens, on 2026-11-23:", () => {
  it.each([
    [OPENAI, "gpt-5-mini", "openai/gpt-5-mini", { input: 0.25, cachedInput: 0.025, cacheWrite: 0.25, output: 2 }],
    [OPENAI, "gpt-5-mini-2025-08-07", "openai/gpt-5-mini", { input: 0.25, cachedInput: 0.025, cacheWrite: 0.25, output: 2 }],
    [OPENAI, "gpt-4o-mini", "openai/gpt-4o-mini", { input: 0.15, cachedInput: 0.075, cacheWrite: 0.15, output: 0.6 }],
    [ANTHROPIC, "claude-haiku-4-5", "anthropic/claude-haiku-4-5", { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 }],
    [ANTHROPIC, "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5", { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 }],
    [ANTHROPIC, "claude-opus-4-1", "anthropic/claude-opus-4-1", { input: 15, cachedInput: 1.5, cacheWrite: 18.75, output: 75 }],
    [GOOGLE, "gemini-2.5-flash", "google/gemini-2.5-flash", { input: 0.3, cachedInput: 0.03, cacheWrite: 0.3, output: 2.5 }],
    [GOOGLE, "models/gemini-2.5-flash", "google/gemini-2.5-flash", { input: 0.3, cachedInput: 0.03, cacheWrite: 0.3, output: 2.5 }],
    [GROQ, "llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile", { input: 0.59, cachedInput: 0.59, cacheWrite: 0.59, output: 0.79 }],
    [GROQ, "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b", { input: 0.15, cachedInput: 0.075, cacheWrite: 0.15, output: 0.6 }],
    [MISTRAL, "mistral-large-2512", "mistral/mistral-large-2512", { input: 0.5, cachedInput: 0.05, cacheWrite: 0.5, output: 1.5 }],
    [
      TOGETHER,
      "meta-llama/Llama-3.3-70B-Instruct-Turbo",
      "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
      { input: 0.88, cachedInput: 0.88, cacheWrite: 0.88, output: 0.88 },
    ],
    [OPENROUTER, "openai/gpt-5-mini", "openrouter/openai/gpt-5-mini", { input: 0.25, cachedInput: 0.025, cacheWrite: 0.25, output: 2 }],
  ])("%j, %s", (provider, model, entry, dollars) => {
    const price = Object.fromEntries(Object.entries(dollars).map(([kind, value]) => [kind, Math.round(value * 1e6)]));
    expect(ask(provider, model)).toEqual({ kind: "priced", price, source: `genai-prices: ${entry}` });
  });

  it("long inputs of gemini-2.5-pro cost more above 200,000 tokens, those of gpt-5.4 from 272,000 tokens on", () => {
    const high = { aboveInputTokens: 200_000, input: 2_500_000, cachedInput: 250_000, cacheWrite: 2_500_000, output: 15_000_000 };
    expect(ask(GOOGLE, "gemini-2.5-pro")).toMatchObject({ price: { input: 1_250_000, output: 10_000_000, tiers: [high] } });
    expect(ask(OPENAI, "gpt-5.4")).toMatchObject({
      price: { input: 2_500_000, output: 15_000_000, tiers: [{ aboveInputTokens: 271_999, input: 5_000_000, output: 22_500_000 }] },
    });
  });
});

describe("cataloguePrice", () => {
  it("answers with the price of the day, and names the day of the next", () => {
    expect(ask(OPENAI, "o3", new Date("2025-06-09T23:59:59Z"))).toMatchObject({ price: { input: 10_000_000 }, changesOn: "2025-06-10" });
    const later = ask(OPENAI, "o3", new Date("2025-06-10T00:00:00Z"));
    expect(later).toMatchObject({ price: { input: 2_000_000, output: 8_000_000 } });
    expect(later).not.toHaveProperty("changesOn");
    expect(ask(GOOGLE, "gemini-3.6-flash")).toMatchObject({ price: { input: 750_000 }, changesOn: "2027-01-01" });
    expect(ask(GOOGLE, "gemini-3.6-flash", new Date("2027-01-01T00:00:00Z"))).toMatchObject({ price: { input: 1_500_000 } });
  });

  it("tells the vendor by its address, whatever the kind; behind an unknown address by the kind", () => {
    expect(ask({ kind: "openai", baseUrl: "https://openrouter.ai/api/v1" }, "openai/gpt-5-mini")).toMatchObject({
      source: "genai-prices: openrouter/openai/gpt-5-mini",
    });
    expect(ask({ kind: "anthropic", baseUrl: "https://gateway.example.com/anthropic" }, "claude-haiku-4-5")).toMatchObject({
      source: "genai-prices: anthropic/claude-haiku-4-5",
    });
    expect(ask(at("https://acme.openai.azure.com/openai/v1"), "gpt-4o")).toMatchObject({ source: "genai-prices: openai/gpt-4o" });
    expect(ask(at("https://api.together.ai/v1"), "meta-llama/Llama-3.3-70B-Instruct-Turbo")).toMatchObject({ kind: "priced" });
  });

  it.each([
    [at("http://user:secret@localhost:11434/v1"), "llama3.1", "the price catalogue knows no vendor at localhost:11434"],
    [OPENAI, "gpt-99", "the price catalogue has no model of this name at OpenAI"],
    [ANTHROPIC, "claude-sonnet-5-5", "the price catalogue has no model of this name at Anthropic"],
    [DEEPSEEK, "deepseek-v4-flash", "its price depends on the time of day (deepseek/deepseek-v4-flash in the price catalogue)"],
    [GROQ, "whisper-large-v3", "groq/whisper-large-v3 in the price catalogue is also charged by audio_hours, input_audio_hours"],
    [at("https://api.perplexity.ai"), "sonar", "perplexity/sonar in the price catalogue is also charged by requests_kcount"],
    [OPENAI, "gpt-4o-mini-search-preview-2025-03-11", "it is charged for each search as well"],
    [at("https://openrouter.ai/api/v1"), "perplexity/sonar-pro", "it is charged for each search as well"],
    [GOOGLE, "gemma-4-31b-it", "google/gemma-4-31b-it in the price catalogue is listed without a price"],
    [OPENAI, "text-embedding-3-small", "is listed without prices for both input and output"],
    [{ ...OPENAI, baseUrl: "https://eu.api.openai.com/v1" }, "gpt-5", "some models cost more at the regional address eu.api.openai.com"],
  ])("has no price for %j, %s: %s", (provider, model, reason) => {
    expect(ask(provider, model)).toEqual({ kind: "none", reason: expect.stringContaining(reason) });
  });
});
