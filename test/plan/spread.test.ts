import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorOf, exactly, meanAround, shareAround, type Basis } from "../../src/plan/spread.ts";

/** A file so long that its own chance plays no part, of which the rows seen are some. */
const ENDLESS = { rows: Number.POSITIVE_INFINITY, isWithin: true } as const;

const count = fc.integer({ min: 1, max: 100_000 });
const share = fc.nat(10_000).map((parts) => parts / 10_000);
const basis: fc.Arbitrary<Basis> = fc.record({
  seen: fc.nat(100_000),
  rows: fc.nat(100_000),
  isWithin: fc.boolean(),
  longer: fc.double({ min: 0.01, max: 100, noNaN: true }),
});
const of = (seen: number, rows: number, isWithin = false): Basis => ({ seen, rows, isWithin });

describe("the error of a mean", () => {
  it("is two standard errors of what was seen, and of the file's own rows", () => {
    expect(errorOf({ seen: 100, ...ENDLESS })).toBeCloseTo(0.2, 12);
    expect(errorOf(of(100, 100))).toBeCloseTo(2 * Math.sqrt(2 / 100), 12);
    expect(errorOf(of(100, Number.POSITIVE_INFINITY))).toBeCloseTo(0.2, 12);
  });

  it("becomes smaller the more of the file is seen, and never nothing: answers differ from time to time", () => {
    expect(errorOf(of(100, 200, true))).toBeCloseTo(2 * Math.sqrt(1 / 200), 12);
    expect(errorOf(of(100, 100, true))).toBeCloseTo(0.1, 12);
    expect(errorOf(of(100, 50, true))).toBeCloseTo(0.1, 12);
  });

  it("falls with every row seen, and is smaller within the file than for another one", () => {
    fc.assert(
      fc.property(count, count, count, fc.boolean(), (seen, more, rows, isWithin) => {
        expect(errorOf(of(seen + more, rows, isWithin))).toBeLessThan(errorOf(of(seen, rows, isWithin)));
        expect(errorOf(of(seen, rows + more))).toBeLessThan(errorOf(of(seen, rows)));
        expect(errorOf(of(seen, rows, true))).toBeLessThan(errorOf(of(seen, rows)));
      }),
    );
  });

  it("of nothing seen is that of one row", () => {
    expect(errorOf(of(0, 1_000))).toBe(errorOf(of(1, 1_000)));
    expect(errorOf(of(1, 0))).toBe(errorOf(of(1, 1)));
  });
});

describe("a mean", () => {
  it("lies within two standard errors", () => {
    const { low, expected, high } = meanAround(200, 50, { seen: 100, ...ENDLESS });
    expect([low, expected, high]).toEqual([190, 200, 210].map((value) => expect.closeTo(value, 9)));
  });

  it("of another file's rows is known to a twentieth at best", () => {
    const { low, high } = meanAround(200, 0, of(1_000_000, 1_000_000));
    expect([low, high]).toEqual([expect.closeTo(190, 9), expect.closeTo(210, 9)]);
    const scattered = meanAround(200, 50, of(100, 100));
    expect(scattered.high - 200).toBeCloseTo(Math.hypot(10, errorOf(of(100, 100)) * 50), 9);
  });

  it("of longer rows, or of shorter ones, is less sure the more they differ", () => {
    const off = (longer: number) => meanAround(200, 0, { ...of(1e12, 1e12), longer }).high - 200;
    expect(off(1)).toBeCloseTo(10, 4);
    expect(off(2)).toBeGreaterThan(off(1.2));
    expect(off(1.2)).toBeGreaterThan(off(1));
    expect(off(1 / 2)).toBeCloseTo(off(2), 9);
    expect(meanAround(200, 0, { ...ENDLESS, seen: 1e12, longer: 2 }).high).toBeCloseTo(200, 9);
  });

  it("is never below zero, and lies between its ends", () => {
    const amount = fc.nat(1_000_000).map((hundredths) => hundredths / 100);
    fc.assert(
      fc.property(amount, amount, basis, (mean, scatter, known) => {
        const { low, expected, high } = meanAround(mean, scatter, known);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(expected).toBe(mean);
        expect(low <= mean && mean <= high).toBe(true);
      }),
    );
  });
});

describe("a share of rows that are done", () => {
  /** Wilson's interval as it stands in textbooks, for two standard errors. */
  const wilson = (rate: number, seen: number) => {
    const centre = (rate + 4 / (2 * seen)) / (1 + 4 / seen);
    const half = (2 / (1 + 4 / seen)) * Math.sqrt((rate * (1 - rate)) / seen + 4 / (4 * seen ** 2));
    return { most: centre + half, least: centre - half };
  };

  it("lies in Wilson's interval: `low` is the end of the fewest calls", () => {
    fc.assert(
      fc.property(share, count, (rate, seen) => {
        const { low, expected, high } = shareAround(rate, { seen, ...ENDLESS });
        const { most, least } = wilson(rate, seen);
        expect(low).toBeCloseTo(Math.max(rate, most), 9);
        expect(expected).toBe(rate);
        expect(high).toBeCloseTo(Math.min(rate, least), 9);
      }),
    );
  });

  it("of none that failed in so many may still be lower, and of none that was done higher", () => {
    expect(shareAround(1, { seen: 10, ...ENDLESS })).toMatchObject({ low: 1, expected: 1, high: expect.closeTo(10 / 14, 9) });
    expect(shareAround(0, { seen: 10, ...ENDLESS })).toMatchObject({ low: expect.closeTo(4 / 14, 9), expected: 0, high: 0 });
    expect(shareAround(1, { seen: 10_000, ...ENDLESS }).high).toBeGreaterThan(0.999);
  });

  it("of a file of few rows is chance, however much was seen", () => {
    const few = shareAround(0.8, of(1_000_000, 10));
    const { most, least } = wilson(0.8, 10);
    expect(few.low).toBeCloseTo(Math.min(1, 0.8 + Math.hypot(most - 0.8, 0.01)), 3);
    expect(few.high).toBeCloseTo(0.8 - Math.hypot(0.8 - least, 0.01), 3);
  });

  it("of another file's rows is off by a twentieth of those that fail, at least", () => {
    const { low, high } = shareAround(0.6, of(1e12, 1e12));
    expect([low, high]).toEqual([expect.closeTo(0.62, 4), expect.closeTo(0.58, 4)]);
  });

  it("is a share at each of its ends, and surer the more was seen", () => {
    fc.assert(
      fc.property(share, basis, count, (rate, known, more) => {
        const { low, expected, high } = shareAround(rate, known);
        expect(1 >= low && low >= expected - 1e-12 && expected + 1e-12 >= high && high >= 0).toBe(true);
        const surer = shareAround(rate, { ...known, seen: known.seen + more });
        expect(surer.low).toBeLessThanOrEqual(low + 1e-9);
        expect(surer.high).toBeGreaterThanOrEqual(high - 1e-9);
      }),
    );
  });
});

describe("a figure that is exact", () => {
  it("is the same at every level", () => {
    expect(exactly(7)).toEqual({ low: 7, expected: 7, high: 7 });
  });
});
