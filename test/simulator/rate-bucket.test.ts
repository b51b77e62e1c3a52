import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createRateBucket } from "../../src/simulator/rate-bucket.ts";

const bucketOf = (perMinute: number, burstSeconds = 1) => createRateBucket({ perMinute, burstSeconds, nowMs: 0 });

describe("a rate bucket", () => {
  test("starts full, with its burst in seconds of the rate", () => {
    expect(bucketOf(6000).level(0)).toBe(100);
    expect(bucketOf(6000, 60).level(0)).toBe(6000);
  });

  test("refills continuously and never above its capacity", () => {
    const bucket = bucketOf(6000);
    bucket.take(100, 0);
    expect(bucket.fits(1, 0)).toBe(false);
    expect(bucket.msUntilFits(1, 0)).toBe(10);
    expect(bucket.fits(1, 10)).toBe(true);
    expect(bucket.level(250)).toBeCloseTo(25);
    expect(bucket.msUntilFull(250)).toBe(750);
    expect(bucket.level(10_000)).toBe(100);
  });

  test("lets a charge above its capacity through when full, and is in debt after it", () => {
    const bucket = bucketOf(6000);
    expect(bucket.fits(250, 0)).toBe(true);
    bucket.take(250, 0);
    expect(bucket.level(0)).toBe(-150);
    expect(bucket.fits(0, 0)).toBe(false);
    expect(bucket.fits(1, 1500)).toBe(false);
    expect(bucket.fits(1, 1510)).toBe(true);
  });

  test("loses what is produced while it is produced", () => {
    const bucket = bucketOf(60_000);
    bucket.drain(3, 0);
    expect(bucket.level(100)).toBe(800);
    bucket.drain(-3, 100);
    expect(bucket.level(200)).toBe(900);
  });

  test("fits a charge exactly when the wait it told is over", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e7 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 1e6 }), { maxLength: 20 }),
        (rate, burst, charges) => {
          const bucket = bucketOf(rate, burst);
          let now = 0;
          for (const charge of charges) {
            const wait = bucket.msUntilFits(charge, now);
            expect(wait === 0).toBe(bucket.fits(charge, now));
            now += wait;
            expect(bucket.fits(charge, now)).toBe(true);
            bucket.take(charge, now);
          }
        },
      ),
    );
  });

  test("never lets through more than its burst and what was refilled", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 1e6 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 100 })), { maxLength: 200 }),
        (rate, asks) => {
          const bucket = bucketOf(rate);
          let now = 0;
          let taken = 0;
          for (const [waitMs, amount] of asks) {
            now += waitMs;
            if (amount > bucket.capacity || !bucket.fits(amount, now)) continue;
            bucket.take(amount, now);
            taken += amount;
            expect(taken).toBeLessThanOrEqual(bucket.capacity + (rate / 60_000) * now + 1e-3);
          }
        },
      ),
    );
  });
});
