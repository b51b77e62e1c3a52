import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callCostNanoUsd } from "../../src/cost/call-cost.ts";
import type { Price } from "../../src/job/model.ts";
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
});
