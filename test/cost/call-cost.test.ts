import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import { FREE_PRICE } from "../../src/cost/price.ts";
import type { Price, TokenPrices } from "../../src/job/model.ts";
import { NO_USAGE, type Usage } from "../../src/job/usage.ts";

const PRICE: Price = { input: 150_000, cachedInput: 75_000, cacheWrite: 187_500, output: 600_000 };

const at = (pico: number): number =>
  callCostNanoUsd({ ...NO_USAGE, inputTokens: 1 }, { input: pico, cachedInput: 0, cacheWrite: 0, output: 0 });

describe("callCostNanoUsd", () => {
  it("charges input, cached input, cache writes and output each at their own price", () => {
    const usage: Usage = { inputTokens: 1_000, cachedInputTokens: 600, cacheWriteTokens: 100, outputTokens: 200, reasoningTokens: 150 };
    // 300 × 150 + 600 × 75 + 100 × 187.5 + 200 × 600 nano-dollars
    expect(callCostNanoUsd(usage, PRICE)).toBe(45_000 + 45_000 + 18_750 + 120_000);
  });

  it("rounds once, half up", () => {
    expect([499, 500, 1_499, 1_500, 2_500].map(at)).toEqual([0, 1, 1, 2, 3]);
    // Three halves are summed before they are rounded.
    expect(callCostNanoUsd({ ...NO_USAGE, inputTokens: 3 }, { input: 500, cachedInput: 0, cacheWrite: 0, output: 0 })).toBe(2);
  });

  it("books a model without a price at zero", () => {
    expect(callCostNanoUsd({ ...NO_USAGE, inputTokens: 9 }, undefined)).toBe(0);
  });

  it("charges reasoning as other output, unless it has a price of its own", () => {
    const usage: Usage = { ...NO_USAGE, outputTokens: 200, reasoningTokens: 150 };
    expect(callCostNanoUsd(usage, PRICE)).toBe(200 * 600);
    expect(callCostNanoUsd(usage, { ...PRICE, reasoning: 300_000 })).toBe(50 * 600 + 150 * 300);
    // More reasoning than output is a slip of the vendor's: reasoning is a part of the output.
    expect(callCostNanoUsd({ ...usage, reasoningTokens: 999 }, { ...PRICE, reasoning: 300_000 })).toBe(200 * 300);
  });

  it("charges all tokens of a call by the tier that its whole input is above, cached parts included", () => {
    const high = { input: 300_000, cachedInput: 150_000, cacheWrite: 375_000, output: 900_000 };
    const higher = { input: 500_000, cachedInput: 250_000, cacheWrite: 625_000, output: 1_500_000 };
    const price: Price = {
      ...PRICE,
      tiers: [
        { aboveInputTokens: 200_000, ...high },
        { aboveInputTokens: 500_000, ...higher },
      ],
    };
    const cost = (inputTokens: number): number =>
      callCostNanoUsd({ ...NO_USAGE, inputTokens, cachedInputTokens: 150_000, outputTokens: 10 }, price);
    expect(cost(200_000)).toBe(50_000 * 150 + 150_000 * 75 + 10 * 600);
    expect(cost(200_001)).toBe(50_001 * 300 + 150_000 * 150 + 10 * 900);
    expect(cost(500_000)).toBe(350_000 * 300 + 150_000 * 150 + 10 * 900);
    expect(cost(500_001)).toBe(350_001 * 500 + 150_000 * 250 + 10 * 1_500);
  });

  it("books a free model at nothing, whatever it used", () => {
    expect(callCostNanoUsd({ ...NO_USAGE, inputTokens: 1e6, outputTokens: 1e6 }, FREE_PRICE)).toBe(0);
  });

  it("never charges plain input below zero, whatever the vendor's counts say", () => {
    expect(callCostNanoUsd({ ...NO_USAGE, inputTokens: 5, cachedInputTokens: 9 }, PRICE)).toBe(9 * 75);
  });

  it("is the exact sum, rounded once: against rational arithmetic", () => {
    const tokens = fc.nat(2_000_000);
    const pico = fc.nat(1_000_000_000);
    fc.assert(
      fc.property(
        tokens,
        tokens,
        tokens,
        tokens,
        pico,
        pico,
        pico,
        pico,
        (plain, cached, write, output, input, cachedInput, cacheWrite, out) => {
          const usage: Usage = {
            inputTokens: plain + cached + write,
            cachedInputTokens: cached,
            cacheWriteTokens: write,
            outputTokens: output,
            reasoningTokens: 0,
          };
          const nano = callCostNanoUsd(usage, { input, cachedInput, cacheWrite, output: out });
          const pairs = [
            [plain, input],
            [cached, cachedInput],
            [write, cacheWrite],
            [output, out],
          ] as const;
          const exact = pairs.reduce((sum, [count, price]) => sum + BigInt(count) * BigInt(price), 0n);
          // nano − 1/2 ≤ exact / 1000 < nano + 1/2, in whole numbers
          expect(Number.isSafeInteger(nano)).toBe(true);
          expect(2n * exact - 2_000n * BigInt(nano)).toBeGreaterThanOrEqual(-1_000n);
          expect(2n * exact - 2_000n * BigInt(nano)).toBeLessThan(1_000n);
        },
      ),
    );
  });

  it("never costs less for more tokens of a kind, where higher tiers have higher prices", () => {
    const count = fc.nat(400_000);
    const pico = fc.nat(100_000_000);
    const prices = fc.record({ input: pico, cachedInput: pico, cacheWrite: pico, output: pico, reasoning: pico });
    const steps = fc.array(fc.record({ at: fc.integer({ min: 1, max: 800_000 }), rise: prices }), { maxLength: 4 });
    fc.assert(
      fc.property(prices, steps, fc.tuple(count, count, count, count), fc.tuple(count, count, count, count), (base, rises, parts, more) => {
        const price = tiered(base, rises);
        const smaller = callCostNanoUsd(usageOf(parts), price);
        const larger = callCostNanoUsd(usageOf(parts.map((part, i) => part + (more[i] ?? 0))), price);
        expect(Number.isSafeInteger(smaller)).toBe(true);
        expect(larger).toBeGreaterThanOrEqual(smaller);
      }),
    );
  });

  it("costs the same as by the prices of its tier alone", () => {
    const count = fc.nat(400_000);
    const pico = fc.nat(100_000_000);
    const prices = fc.record({ input: pico, cachedInput: pico, cacheWrite: pico, output: pico });
    fc.assert(
      fc.property(prices, prices, fc.nat(800_000), fc.tuple(count, count, count, count), (base, high, above, parts) => {
        const usage = usageOf(parts);
        const expected = callCostNanoUsd(usage, usage.inputTokens > above ? high : base);
        expect(callCostNanoUsd(usage, { ...base, tiers: [{ aboveInputTokens: above, ...high }] })).toBe(expected);
      }),
    );
  });
});

/** All of the output is reasoning: were it a part that grows, a call could become cheaper by more of the cheaper kind. */
function usageOf([plain = 0, cached = 0, write = 0, output = 0]: readonly number[]): Usage {
  return {
    inputTokens: plain + cached + write,
    cachedInputTokens: cached,
    cacheWriteTokens: write,
    outputTokens: output,
    reasoningTokens: output,
  };
}

function tiered(base: TokenPrices, rises: readonly { readonly at: number; readonly rise: TokenPrices }[]): Price {
  let prices = base;
  const tiers = rises
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, rise }) => {
      prices = {
        input: prices.input + rise.input,
        cachedInput: prices.cachedInput + rise.cachedInput,
        cacheWrite: prices.cacheWrite + rise.cacheWrite,
        output: prices.output + rise.output,
        reasoning: (prices.reasoning ?? 0) + (rise.reasoning ?? 0),
      };
      return { aboveInputTokens: at, ...prices };
    });
  return { ...base, tiers };
}
