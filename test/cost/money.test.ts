import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactDollars, nanoUsdFromDollars, shareNanoUsd, splitNanoUsd, sumNanoUsd } from "../../src/cost/money.ts";
import { formatUsd } from "../../src/report/format.ts";

/** Up to a million dollars. */
const amount = fc.integer({ min: 0, max: 1e15 });
const signed = fc.integer({ min: -1e12, max: 1e12 });

describe("nanoUsdFromDollars", () => {
  it.each([
    ["$1.00", 1_000_000_000],
    [1.5, 1_500_000_000],
    [" 50 ", 50_000_000_000],
    ["$1,234.57", 1_234_570_000_000],
    ["1,234,567", 1_234_567_000_000_000],
    [0.1, 100_000_000],
    [4.35, 4_350_000_000],
    ["0.000000001", 1],
    [1e-9, 1],
    [0, 0],
    ["9007199.254740991", Number.MAX_SAFE_INTEGER],
  ])("%j is %d nano-dollars", (dollars, nano) => {
    expect(nanoUsdFromDollars(dollars)).toBe(nano);
  });

  it.each(["", "-1", -0.5, "1,50", "1,2345", "12,34.5", "$", "$$1", "1 USD", Number.NaN, Number.POSITIVE_INFINITY, "0x10"])(
    "%j is no amount, and the error names it",
    (dollars) => {
      expect(() => nanoUsdFromDollars(dollars)).toThrow(RangeError);
      expect(() => nanoUsdFromDollars(dollars)).toThrow(JSON.stringify(String(dollars)));
    },
  );

  it("refuses what is finer than a nano-dollar, or more than can be counted exactly", () => {
    expect(() => nanoUsdFromDollars("0.0000000001")).toThrow("finer than a nano-dollar");
    expect(() => nanoUsdFromDollars(0.1 + 0.2)).toThrow("finer than a nano-dollar");
    expect(() => nanoUsdFromDollars("9007199.254740992")).toThrow("above the highest amount");
  });

  it("reads back what exactDollars writes, to the nano-dollar", () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (nano) => {
        expect(nanoUsdFromDollars(exactDollars(nano))).toBe(nano);
      }),
    );
  });

  it("reads back what reports print: whole cents exactly, all else to half of the last digit printed", () => {
    fc.assert(
      fc.property(fc.nat(900_000_000), (cents) => {
        expect(nanoUsdFromDollars(formatUsd(cents * 10_000_000))).toBe(cents * 10_000_000);
      }),
    );
    fc.assert(
      fc.property(amount, (nano) => {
        const printed = formatUsd(nano);
        const digits = printed.split(".")[1]?.length ?? 0;
        // A double between two decimals may be printed as either.
        expect(Math.abs(nanoUsdFromDollars(printed) - nano)).toBeLessThanOrEqual(10 ** (9 - digits) / 2 + 1);
      }),
    );
  });
});

describe("exactDollars", () => {
  it.each([
    [0, "0"],
    [1_500_000_000, "1.5"],
    [42, "0.000000042"],
    [-1_000_000_001, "-1.000000001"],
    [20_000_000_000, "20"],
  ])("%d nano-dollars are %s dollars", (nano, text) => {
    expect(exactDollars(nano)).toBe(text);
  });
});

describe("sumNanoUsd", () => {
  it("is the same in whatever order the amounts come, and however they are grouped", () => {
    const shuffled = fc
      .array(signed, { maxLength: 200 })
      .chain((amounts) =>
        fc.tuple(fc.constant(amounts), fc.shuffledSubarray(amounts, { minLength: amounts.length }), fc.nat(amounts.length)),
      );
    fc.assert(
      fc.property(shuffled, ([amounts, others, cut]) => {
        const sum = sumNanoUsd(amounts);
        expect(sumNanoUsd(others)).toBe(sum);
        expect(sumNanoUsd([sumNanoUsd(amounts.slice(0, cut)), sumNanoUsd(amounts.slice(cut))])).toBe(sum);
        expect(BigInt(sum)).toBe(amounts.reduce((total, each) => total + BigInt(each), 0n));
      }),
    );
  });

  it("refuses a fraction of a nano-dollar, and a sum that can't be held exactly", () => {
    expect(() => sumNanoUsd([1, 0.5])).toThrow("0.5 is not a whole number");
    expect(() => sumNanoUsd([1, Number.NaN])).toThrow(RangeError);
    expect(() => sumNanoUsd([Number.MAX_SAFE_INTEGER, 1])).toThrow("more than can be counted exactly");
    expect(sumNanoUsd([Number.MAX_SAFE_INTEGER, 1, -1])).toBe(Number.MAX_SAFE_INTEGER);
    expect(sumNanoUsd([])).toBe(0);
  });
});

describe("shareNanoUsd", () => {
  it("rounds half up, once", () => {
    expect(shareNanoUsd(10, { part: 1, of: 4 })).toBe(3);
    expect(shareNanoUsd(10, { part: 1, of: 3 })).toBe(3);
    expect(shareNanoUsd(-10, { part: 1, of: 4 })).toBe(-2);
    expect(shareNanoUsd(1_000_000_000, { part: 980_000, of: 1_000_000 })).toBe(980_000_000);
    expect(() => shareNanoUsd(10, { part: 1, of: 0 })).toThrow(RangeError);
  });

  it("is within half a nano-dollar of the share, in whole numbers", () => {
    fc.assert(
      fc.property(signed, fc.nat(1_000_000), fc.integer({ min: 1, max: 1_000_000 }), (whole, part, of) => {
        fc.pre(part <= of * 1_000);
        const share = shareNanoUsd(whole, { part, of });
        expect(Number.isSafeInteger(share)).toBe(true);
        const off = 2n * (BigInt(share) * BigInt(of) - BigInt(whole) * BigInt(part));
        expect(off).toBeGreaterThan(-BigInt(of));
        expect(off).toBeLessThanOrEqual(BigInt(of));
      }),
    );
  });
});

describe("splitNanoUsd", () => {
  it("gives what rounding leaves to those that lost most, the first of equals", () => {
    expect(splitNanoUsd(10, [1, 1, 1])).toEqual([4, 3, 3]);
    expect(splitNanoUsd(10, [1, 2, 4])).toEqual([1, 3, 6]);
    expect(splitNanoUsd(7, [0, 0])).toEqual([4, 3]);
    expect(splitNanoUsd(-10, [1, 1, 1])).toEqual([-3, -3, -4]);
    expect(() => splitNanoUsd(10, [])).toThrow(RangeError);
    expect(() => splitNanoUsd(10, [2, -1])).toThrow(RangeError);
  });

  it("the parts add up to the whole, and each is within a nano-dollar of its share", () => {
    fc.assert(
      fc.property(signed, fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 50 }), (whole, weights) => {
        const parts = splitNanoUsd(whole, weights);
        expect(sumNanoUsd(parts)).toBe(whole);
        const total = sumNanoUsd(weights);
        if (total === 0) return;
        for (const [i, part] of parts.entries()) {
          const off = BigInt(part) * BigInt(total) - BigInt(whole) * BigInt(weights[i] ?? 0);
          expect(off < 0n ? -off : off).toBeLessThan(BigInt(total));
        }
      }),
    );
  });
});
