import { describe, expect, it } from "vitest";
import { FREE_PRICE } from "../../src/cost/price.ts";
import { priceOptions } from "../../src/cost/price-options.ts";
import { priceProblems, resolvePrices } from "../../src/cost/resolve-price.ts";

const AT = new Date("2026-11-23T12:00:00Z");
const OWN = priceOptions.parse({ input: 1, output: 2 });

describe("resolvePrices", () => {
  it("takes the configuration's price before the catalogue's, and says where a price comes from", async () => {
    const prices = await resolvePrices(
      {
        openai: { kind: "openai", models: { "gpt-5": { price: OWN }, "gpt-5-mini": {} } },
        local: { kind: "openai-compatible", baseUrl: "http://localhost:8000/v1", models: { "meta/llama": { price: FREE_PRICE } } },
      },
      AT,
    );
    expect(Object.fromEntries(prices)).toEqual({
      "openai/gpt-5": { kind: "priced", price: OWN, source: "configuration" },
      "openai/gpt-5-mini": {
        kind: "priced",
        price: { input: 250_000, cachedInput: 25_000, cacheWrite: 250_000, output: 2_000_000 },
        source: "genai-prices: openai/gpt-5-mini",
      },
      "local/meta/llama": { kind: "free", price: FREE_PRICE },
    });
    expect(priceProblems(prices)).toEqual([]);
  });

  it("a model without a price is a problem at its place in the configuration, with the reason and what to write", async () => {
    const prices = await resolvePrices(
      { local: { kind: "openai-compatible", baseUrl: "http://localhost:8000/v1", models: { "meta/llama": {}, other: { price: OWN } } } },
      AT,
    );
    expect(priceProblems(prices)).toEqual([
      {
        path: ["providers", "local", "models", "meta/llama", "price"],
        message:
          "is missing, and the price catalogue knows no vendor at localhost:8000: write what it costs, in dollars per million tokens, " +
          "such as price: { input: 0.25, output: 2 }; or price: free, if it costs nothing",
      },
    ]);
  });
});
