import { describe, expect, it } from "vitest";
import { convertPrice } from "../../src/cost/catalogue-price.ts";

describe("convertPrice", () => {
  it("takes dollars per million tokens as pico-dollars per token, exactly", () => {
    const numbers = { input_mtok: 0.15, cache_read_mtok: 0.075, cache_write_mtok: 0.1875, output_mtok: 0.6, output_reasoning_mtok: 0.3 };
    expect(convertPrice(numbers)).toEqual({
      kind: "price",
      price: { input: 150_000, cachedInput: 75_000, cacheWrite: 187_500, output: 600_000, reasoning: 300_000 },
    });
  });

  it("brings numbers that were computed to the nearest pico-dollar", () => {
    expect(convertPrice({ input_mtok: 0.1 + 0.2, output_mtok: 1 / 12 })).toMatchObject({ price: { input: 300_000, output: 83_333 } });
  });

  it("puts the tiers of all kinds together: each holds what all kinds cost above its start", () => {
    const converted = convertPrice({
      input_mtok: { base: 2, tiers: [{ start: 200_000, price: 4 }] },
      cache_read_mtok: 0.2,
      output_mtok: {
        base: 12,
        tiers: [
          { start: 500_000, price: 24 },
          { start: 200_000, price: 18 },
        ],
      },
    });
    expect(converted).toEqual({
      kind: "price",
      price: {
        input: 2_000_000,
        cachedInput: 200_000,
        cacheWrite: 2_000_000,
        output: 12_000_000,
        tiers: [
          { aboveInputTokens: 200_000, input: 4_000_000, cachedInput: 200_000, cacheWrite: 4_000_000, output: 18_000_000 },
          { aboveInputTokens: 500_000, input: 4_000_000, cachedInput: 200_000, cacheWrite: 4_000_000, output: 24_000_000 },
        ],
      },
    });
  });

  it("leaves out what a fleet doesn't use: searches, hours of cache, audio that it is never given", () => {
    const numbers = { input_mtok: 1, output_mtok: 2, web_searches_kcount: 10, cache_write_1h_mtok: 2, input_audio_mtok: 5 };
    expect(convertPrice(numbers)).toEqual(convertPrice({ input_mtok: 1, output_mtok: 2 }));
  });

  it.each([
    [{}, "is listed without a price"],
    [{ input_mtok: undefined }, "is listed without a price"],
    [{ input_mtok: 0.02 }, "is listed without prices for both input and output"],
    [{ input_mtok: 1, output_mtok: 1, requests_kcount: 12 }, "is also charged by requests_kcount, not only by tokens of text"],
    [{ audio_hours: 0.1, input_audio_hours: 0.1 }, "is also charged by audio_hours, input_audio_hours, not only by tokens of text"],
    [{ input_mtok: 1, output_mtok: 1, output_image_mtok: 30 }, "is also charged by output_image_mtok, not only by tokens of text"],
  ])("%j makes no price: it %s", (numbers, reason) => {
    expect(convertPrice(numbers)).toEqual({ kind: "none", reason });
  });
});
