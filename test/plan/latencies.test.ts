import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latenciesOf, logNormalLatencies, meanLatency } from "../../src/plan/latencies.ts";

/** Of so many that are equally likely, the one that this share of them lies below. */
function at(latenciesMs: readonly number[], share: number): number {
  return latenciesMs[Math.floor(share * latenciesMs.length)]!;
}

/** Evenly drawn by the inverse of a distribution. */
function drawn(count: number, inverse: (share: number) => number): readonly number[] {
  return Array.from({ length: count }, (_, i) => inverse((i + 0.5) / count));
}

const exponential = (meanMs: number) => (share: number) => -meanMs * Math.log(1 - share);
const isAscending = (values: readonly number[]) => values.every((value, i) => i === 0 || value >= values[i - 1]! * (1 - 1e-12));

const seenMs = fc.array(fc.oneof(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.constantFrom(100, 1_000, 60_000)), {
  minLength: 1,
  maxLength: 250,
});

describe("times as they were seen", () => {
  it("have the same quantiles where many were seen", () => {
    const uniform = latenciesOf(drawn(2_000, (share) => 100 + 1_000 * share));
    for (const share of [0.01, 0.25, 0.5, 0.75, 0.9, 0.99]) expect(Math.abs(at(uniform, share) - (100 + 1_000 * share))).toBeLessThan(10);
    expect(Math.abs(meanLatency(uniform) - 600)).toBeLessThan(6);
  });

  it("are all the same where only one was seen, or all were the same", () => {
    for (const seen of [[250], [250, 250, 250]]) for (const each of latenciesOf(seen)) expect(each).toBeCloseTo(250, 9);
  });

  it("fall off exponentially above those seen often: of a few, the longest is no bound", () => {
    const seen = drawn(30, exponential(1_000));
    const found = latenciesOf(seen);
    expect(at(found, 0.5) / 693).toBeCloseTo(1, 1);
    expect(at(found, 0.995)).toBeGreaterThan(Math.max(...seen) * 1.02);
    expect(meanLatency(found) / meanLatency(seen)).toBeCloseTo(1, 1);
    // Of very many only the last ones are unsure.
    const many = latenciesOf(drawn(500, exponential(1_000)));
    for (const [i, each] of many.entries()) expect(Math.abs(each - exponential(1_000)((i + 0.5) / many.length))).toBeLessThan(150);
    // So many show the far end themselves: one in forty of these took ten times as long.
    const far = latenciesOf(drawn(4_000, (share) => (share > 0.975 ? 5_000 : 500)));
    expect([at(far, 0.96), at(far, 0.99)]).toEqual([500, 5_000]);
  });

  it("are told in any order, and go with the unit", () => {
    fc.assert(
      fc.property(seenMs, fc.constantFrom(0.5, 2, 1_024), (seen, unit) => {
        const found = latenciesOf(seen);
        expect(latenciesOf(seen.toReversed())).toEqual(found);
        for (const [i, each] of latenciesOf(seen.map((value) => value * unit)).entries()) expect(each / unit / found[i]!).toBeCloseTo(1, 9);
      }),
    );
  });

  it("are never shorter than the shortest, and up to nine in ten never longer than the longest", () => {
    fc.assert(
      fc.property(seenMs, (seen) => {
        const found = latenciesOf(seen);
        const [shortest, longest] = [Math.min(...seen), Math.max(...seen)];
        for (const each of found) expect(each).toBeGreaterThanOrEqual(shortest * (1 - 1e-12));
        for (const each of found.slice(0, Math.floor(0.9 * found.length))) expect(each).toBeLessThanOrEqual(longest * (1 + 1e-12));
      }),
    );
  });

  it("ascend, also where one call in ten hung until its time was up", () => {
    expect(isAscending(latenciesOf([...drawn(180, () => 100), ...drawn(20, () => 1_000)]))).toBe(true);
    fc.assert(
      fc.property(seenMs, (seen) => {
        expect(isAscending(latenciesOf(seen))).toBe(true);
      }),
    );
  });
});

describe("times of which median and 95th percentile are known", () => {
  it("are log-normal", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 1, max: 20, noNaN: true }), (p50Ms, ratio) => {
        const found = logNormalLatencies(p50Ms, p50Ms * ratio);
        expect(isAscending(found)).toBe(true);
        const sigma = Math.log(ratio) / 1.644_854;
        // Standard normal deviations of these shares.
        for (const [share, deviation] of [
          [0.05, -1.644_854],
          [0.25, -0.674_49],
          [0.5, 0],
          [0.75, 0.674_49],
          [0.95, 1.644_854],
          [0.99, 2.326_348],
        ] as const) {
          const expected = p50Ms * Math.exp(sigma * deviation);
          const [before, behind] = [found[Math.ceil(share * found.length) - 1]!, at(found, share)];
          expect(Math.abs(Math.log(Math.sqrt(before * behind) / expected))).toBeLessThan(0.03 * sigma + 0.001);
        }
        // Of log-normal ones, but for the far end that no two hundred of them show.
        const mean = p50Ms * Math.exp(sigma ** 2 / 2);
        expect(meanLatency(found)).toBeLessThanOrEqual(mean * 1.001);
        expect(meanLatency(found)).toBeGreaterThan(mean * (ratio < 5 ? 0.98 : 0.8));
      }),
    );
  });

  it("are all the same where the percentile says no more than the median", () => {
    expect(new Set(logNormalLatencies(400, 400)).size).toBe(1);
    expect(new Set(logNormalLatencies(400, 300))).toEqual(new Set([400]));
    expect(new Set(logNormalLatencies(0, 0))).toEqual(new Set([0]));
  });
});

describe("a mean time", () => {
  it("is that of all of them, and none without any", () => {
    expect(meanLatency([100, 200, 600])).toBe(300);
    expect(meanLatency([])).toBe(0);
  });
});
