import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAcceptable, RECOMMENDING, riskOf, choose } from "../../src/pilot/choose.ts";
import { consensus } from "../../src/pilot/consensus.ts";
import { mixedQuality, mixingLine } from "../../src/pilot/hull.ts";
import { normalCdf, pairedDifference, wilson } from "../../src/pilot/intervals.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";

describe("the intervals", () => {
  it("are Wilson's for shares, as published (Newcombe 1998, table I)", () => {
    expect(wilson(81, 263).low).toBeCloseTo(0.2553, 4);
    expect(wilson(81, 263).high).toBeCloseTo(0.3662, 4);
    expect(wilson(0, 20)).toEqual({ low: 0, high: expect.closeTo(0.1611, 4) });
  });

  it("hold a paired difference in about 95 of 100 samples, also with few discordant rows", () => {
    const random = createRandom(1);
    const held = Array.from({ length: 2000 }, () => {
      const draws = Array.from({ length: 200 }, random);
      const gains = draws.filter((draw) => draw < 0.02).length;
      const losses = draws.filter((draw) => draw >= 0.02 && draw < 0.03).length;
      const { low, high } = pairedDifference(gains, losses, 200).interval;
      return low <= 0.01 && 0.01 <= high;
    }).filter(Boolean).length;
    expect(held / 2000).toBeGreaterThan(0.93);
  });

  it("rest on the normal distribution's tables", () => {
    expect(normalCdf(0)).toBeCloseTo(0.5, 6);
    expect(normalCdf(1.959964)).toBeCloseTo(0.975, 6);
    expect(normalCdf(-1.644854)).toBeCloseTo(0.05, 6);
  });
});

describe("the line of random mixing", () => {
  const point = fc.record({
    costNanoUsd: fc.integer({ min: 1, max: 1000 }),
    quality: fc.integer({ min: 0, max: 100 }).map((n) => n / 100),
  });

  it("has no point above it, rises, and bends down", () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 20 }), (points) => {
        const line = mixingLine(points);
        for (const { costNanoUsd, quality } of points) expect(mixedQuality(line, costNanoUsd)).toBeGreaterThanOrEqual(quality - 1e-9);
        const slopes = line.slice(1).map((to, index) => (to.quality - line[index]!.quality) / (to.costNanoUsd - line[index]!.costNanoUsd));
        for (const slope of slopes) expect(slope).toBeGreaterThan(0);
        for (const [index, slope] of slopes.slice(1).entries()) expect(slope).toBeLessThan(slopes[index]!);
      }),
    );
  });

  it("knows nothing cheaper than its cheapest point", () => {
    expect(mixedQuality([{ costNanoUsd: 10, quality: 0.5 }], 9)).toBeUndefined();
  });
});

describe("the choice", () => {
  const incumbent = { costNanoUsd: 100, gap: { mean: 0, variance: 0 } };

  it("takes the cheapest route that is expected to hold the quality, and the better of two at the same cost", () => {
    const dear = { costNanoUsd: 60, gap: { mean: 0.02, variance: 0 } };
    const cheap = { costNanoUsd: 50, gap: { mean: 0, variance: 0 } };
    const likeCheap = { costNanoUsd: 52, gap: { mean: 0.01, variance: 0 } };
    expect(choose(incumbent, [dear, cheap, likeCheap], RECOMMENDING)).toBe(likeCheap);
  });

  it("stays with what there is where the saving is small, the expectation poor or the risk high", () => {
    const small = { costNanoUsd: 95, gap: { mean: 0, variance: 0 } };
    const poor = { costNanoUsd: 10, gap: { mean: -0.006, variance: 0 } };
    const risky = { costNanoUsd: 10, gap: { mean: 0, variance: 0.01 ** 2 } };
    expect(riskOf(risky.gap)).toBeCloseTo(0.0668, 3);
    expect(choose(incumbent, [small, poor, risky], RECOMMENDING)).toBe(incumbent);
    expect(isAcceptable({ gap: { mean: -0.005, variance: 0 } }, RECOMMENDING)).toBe(true);
  });
});

describe("the consensus that stands in for gold labels", () => {
  it("counts a vendor's models once for an answer", () => {
    const given = [[0], [0], [0], [1], [1]].map((answers) => Int32Array.from(answers));
    expect([...consensus(given, ["a", "a", "a", "b", "c"], 1)]).toEqual([1]);
  });

  it("trusts the models more that are mostly in line with the others", () => {
    // Two that are usually right against two that seldom are, who happen to agree in the last row.
    const right = Array.from({ length: 20 }, () => 0);
    const wild = Array.from({ length: 20 }, (_, row) => 1 + (row % 3));
    const given = [
      [...right, 0],
      [...right, 0],
      [...wild, 1],
      [...wild.map((value) => value + 3), 1],
    ].map((answers) => Int32Array.from(answers));
    expect(consensus(given, ["a", "b", "c", "d"], 21)[20]).toBe(0);
  });

  it("has none where no model gave an answer", () => {
    expect([...consensus([Int32Array.from([-1])], ["a"], 1)]).toEqual([-1]);
  });
});
