import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
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
    const parsed = priceOptions.safeParse({ input: "0.0000001", output: "free" });
    expect(parsed.error?.issues.map((issue) => issue.path)).toEqual([["input"], ["output"]]);
  });
});
