import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import { nanoUsdFromDollars } from "../../src/cost/money.ts";
import { totalCostNanoUsd } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { formatUsd } from "../../src/report/format.ts";

/** Up to a million dollars. */
const amount = fc.integer({ min: 0, max: 1e15 });

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

describe("sums of calls' costs", () => {
  it("are the same in whatever order the calls come and however they are grouped, and exactly what the tokens come to", () => {
    const priced = fc.record({ tokens: fc.nat(2_000_000), picoPerToken: fc.nat(600_000_000) });
    const shuffled = fc
      .array(priced, { maxLength: 100 })
      .chain((calls) => fc.tuple(fc.constant(calls), fc.shuffledSubarray(calls, { minLength: calls.length }), fc.nat(calls.length)));
    const costs = (calls: readonly { readonly tokens: number; readonly picoPerToken: number }[]) =>
      calls.map(({ tokens, picoPerToken }) => ({
        costNanoUsd: callCostNanoUsd(
          { ...NO_USAGE, inputTokens: tokens },
          { input: picoPerToken, cachedInput: 0, cacheWrite: 0, output: 0 },
        ),
      }));
    fc.assert(
      fc.property(shuffled, ([calls, others, cut]) => {
        const sum = totalCostNanoUsd(costs(calls));
        expect(totalCostNanoUsd(costs(others))).toBe(sum);
        expect(totalCostNanoUsd(costs(calls.slice(0, cut))) + totalCostNanoUsd(costs(calls.slice(cut)))).toBe(sum);
        const exact = calls.reduce((total, each) => total + (BigInt(each.tokens) * BigInt(each.picoPerToken) + 500n) / 1_000n, 0n);
        expect(BigInt(sum)).toBe(exact);
      }),
    );
  });
});
