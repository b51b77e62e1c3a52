import * as fc from "fast-check";
import { expect, it } from "vitest";
import { soundCount, soundMeasure, soundTime } from "../../src/job/sound-number.ts";

const anything = fc.oneof(fc.double(), fc.constantFrom<unknown>(Infinity, -Infinity, NaN, -0, 2e23, 1e19, null, undefined, "7", {}, 7n));

it("whatever is given, a count is a whole number that 64 bits hold, and as it was where it can be", () => {
  fc.assert(
    fc.property(anything, (value) => {
      const count = soundCount(value);
      expect(Number.isSafeInteger(count) && !Object.is(count, -0)).toBe(true);
    }),
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(soundCount(value)).toBe(value + 0);
    }),
  );
  expect([2e23, -Infinity, 1.5, "7", NaN].map((each) => soundCount(each))).toEqual([
    Number.MAX_SAFE_INTEGER,
    -Number.MAX_SAFE_INTEGER,
    2,
    0,
    0,
  ]);
  expect(soundCount(2 ** 40, 2 ** 31 - 1)).toBe(2 ** 31 - 1);
});

it("whatever is given, a time has a year of four digits, and whole milliseconds", () => {
  fc.assert(
    fc.property(anything, (value) => {
      expect(new Date(soundTime(value)).toISOString()).toMatch(/^\d{4}-/);
    }),
  );
  expect([1_763_900_000_123.4, 1_763_900_000_123_456, -1e300, undefined].map((each) => new Date(soundTime(each)).toISOString())).toEqual([
    "2025-11-23T12:13:20.123Z",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00.000Z",
    "1970-01-01T00:00:00.000Z",
  ]);
});

it("a measure is finite", () => {
  expect([12.5, NaN, Infinity, "1", null].map(soundMeasure)).toEqual([12.5, 0, 0, 0, 0]);
});
