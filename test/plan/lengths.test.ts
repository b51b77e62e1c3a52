import { describe, expect, it } from "vitest";
import { addLength, meanOver, type Lengths } from "../../src/plan/lengths.ts";

function lengthsOf(rows: readonly number[]): Lengths {
  const lengths: Lengths = new Map();
  for (const inputTokens of rows) addLength(lengths, inputTokens);
  return lengths;
}

describe("the lengths of rows", () => {
  const rows = [0, 3, 3, 100, 19_000, 21_000, 1_000_000];

  it("keep their mean", () => {
    expect(meanOver(lengthsOf(rows), (tokens) => tokens)).toBeCloseTo(rows.reduce((sum, each) => sum + each, 0) / rows.length, 6);
    expect(meanOver(lengthsOf([]), () => 1)).toBe(0);
  });

  it("tell rows apart that stand on two sides of a mark", () => {
    expect(meanOver(lengthsOf(rows), (tokens) => (tokens > 20_000 ? 1 : 0))).toBeCloseTo(2 / 7, 9);
  });

  it("are as few sums as rows differ, however many those are", () => {
    expect(lengthsOf(Array.from({ length: 10_000 }, (_, i) => 500 + (i % 10))).size).toBeLessThanOrEqual(2);
    expect(lengthsOf(Array.from({ length: 10_000 }, (_, i) => 100 * i)).size).toBeLessThan(330);
  });
});
