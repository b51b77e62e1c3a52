import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOptions } from "../../src/config/problem.ts";
import { priceFromDollars } from "../../src/cost/price.ts";
import { priceOptions } from "../../src/cost/price-options.ts";

describe("priceFromDollars", () => {
  it.each([
    ["2.50", 2_500_000],
    [0.15, 150_000],
    [0.075, 75_000],
    ["0.000001", 1],
    [1e-6, 1],
    [1.1, 1_100_000],
    [4.35, 4_350_000],
    [0, 0],
    [75, 75_000_000],
    ["1e2", 100_000_000],
    [" 3 ", 3_000_000],
    ["1.1000000000", 1_100_000],
  ])("%j dollars per million tokens are %d pico-dollars per token", (dollars, pico) => {
    expect(priceFromDollars(dollars)).toBe(pico);
  });

  it.each(["0.0000001", 1e-7, 0.1234567, 0.1 + 0.2])("%j is finer than a pico-dollar, and the error names it", (dollars) => {
    expect(() => priceFromDollars(dollars)).toThrow(RangeError);
    expect(() => priceFromDollars(dollars)).toThrow(JSON.stringify(String(dollars)));
    expect(() => priceFromDollars(dollars)).toThrow("finer than a pico-dollar");
  });

  it.each(["", "-1", -0.5, "$2.50", "2,50", "1/2", "abc", Number.NaN, Number.POSITIVE_INFINITY, "0x10", "1e999", "."])(
    "%j is no price",
    (dollars) => {
      expect(() => priceFromDollars(dollars)).toThrow(RangeError);
    },
  );

  it("refuses a price that must be a slip", () => {
    expect(priceFromDollars(1_000_000)).toBe(1e12);
    expect(() => priceFromDollars("1000000.1")).toThrow("above the highest price");
  });

  it("is exact for every price of up to six decimals, written as text or as a number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), fc.nat(3), (pico, zeros) => {
        const digits = String(pico).padStart(7, "0");
        const text = `${digits.slice(0, -6)}.${digits.slice(-6)}`;
        expect(priceFromDollars(text + "0".repeat(zeros))).toBe(pico);
        expect(priceFromDollars(Number(text))).toBe(pico);
      }),
    );
  });
});

describe("priceOptions", () => {
  it("cached input and cache writes cost what input does, unless they have a price", () => {
    expect(priceOptions.parse({ input: "2.5", output: 10 })).toEqual({
      input: 2_500_000,
      output: 10_000_000,
      cachedInput: 2_500_000,
      cacheWrite: 2_500_000,
    });
    expect(priceOptions.parse({ input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75 })).toMatchObject({
      cachedInput: 300_000,
      cacheWrite: 3_750_000,
    });
  });

  it("a wrong price is a problem at its place, not an exception", () => {
    const { problems } = parseOptions(priceOptions, { input: "0.0000001", output: "much" });
    expect(problems.map((problem) => problem.path)).toEqual([["input"], ["output"]]);
  });

  it("reasoning and the batch discount are kept where they are given", () => {
    expect(priceOptions.parse({ input: 2, output: 8, reasoning: 3, batchDiscount: 0.5 })).toEqual({
      input: 2_000_000,
      cachedInput: 2_000_000,
      cacheWrite: 2_000_000,
      output: 8_000_000,
      reasoning: 3_000_000,
      batchDiscountMillionths: 500_000,
    });
  });

  it("tiers are sorted, and what they don't price costs what their own input and output do", () => {
    const price = priceOptions.parse({
      input: 1,
      output: 4,
      cachedInput: 0.1,
      reasoning: 3,
      tiers: [
        { aboveInputTokens: 400_000, input: 4, output: 8, reasoning: 7 },
        { aboveInputTokens: 200_000, input: 2, output: 6, cachedInput: "0.2" },
      ],
    });
    expect(price.tiers).toEqual([
      { aboveInputTokens: 200_000, input: 2_000_000, cachedInput: 200_000, cacheWrite: 2_000_000, output: 6_000_000 },
      {
        aboveInputTokens: 400_000,
        input: 4_000_000,
        cachedInput: 4_000_000,
        cacheWrite: 4_000_000,
        output: 8_000_000,
        reasoning: 7_000_000,
      },
    ]);
  });

  it("free is a price, and says so: a price of 0 alone doesn't", () => {
    expect(priceOptions.parse("free")).toEqual({ input: 0, cachedInput: 0, cacheWrite: 0, output: 0, free: true });
    expect(priceOptions.parse({ input: 0, output: 0 })).not.toHaveProperty("free");
  });

  it.each([
    [{ input: 1, output: 2, batchDiscount: 1.5 }, "batchDiscount", "share from 0 to 1"],
    [{ input: 1, output: 2, batchDiscount: "50%" }, "batchDiscount", "share from 0 to 1"],
    [{ input: 1, output: 2, tiers: [{ aboveInputTokens: 0, input: 1, output: 1 }] }, "tiers.0.aboveInputTokens", "above 0"],
    [{ input: 1, output: 2, tiers: [{ aboveInputTokens: 5, input: 1 }] }, "tiers.0.output", "is missing (dollars per million tokens)"],
    [{ input: true, output: 2 }, "input", "must be dollars per million tokens, such as 0.15"],
    [{ input: 1, output: 2, tiers: [tier(5), tier(5)] }, "tiers", "two tiers with the same aboveInputTokens"],
    [{ input: 1, output: 2, outputs: 3 }, "outputs", "unknown option"],
    ["gratis", "", "must be a mapping such as { input: 0.25, output: 2 }, or free"],
    [0.25, "", "must be a mapping such as { input: 0.25, output: 2 }, or free"],
  ])("%j is a problem at %j: %s", (value, path, message) => {
    const { problems } = parseOptions(priceOptions, value);
    expect(problems.map((problem) => [problem.path.join("."), problem.message])).toEqual([[path, expect.stringContaining(message)]]);
  });
});

function tier(aboveInputTokens: number) {
  return { aboveInputTokens, input: 1, output: 1 };
}
