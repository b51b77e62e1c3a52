import { describe, expect, it } from "vitest";
import { formatCount, formatDuration, formatRate, formatShare, formatUsd } from "../../src/report/format.ts";

describe("numbers for people", () => {
  it("counts have thousands separators", () => {
    expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
  });

  it("dollars have as many digits as matter", () => {
    const shown = [
      0, 1, 12, 423_456, 9_999_999, 10_000_000, 123_456_789, 999_999_999, 1_000_000_000, 1_234_567_890_123, -1_500_000_000,
    ].map(formatUsd);
    expect(shown).toEqual([
      "$0.00",
      "$0.000000001",
      "$0.000000012",
      "$0.00042",
      "$0.0100",
      "$0.0100",
      "$0.1235",
      "$1.0000",
      "$1.00",
      "$1,234.57",
      "-$1.50",
    ]);
  });

  it("durations take the unit that fits", () => {
    const shown = [0, 350, 999.4, 1000, 12_340, 59_949, 59_990, 245_000, 3_599_000, 3_600_000, 7_380_000, 200_000_000].map(formatDuration);
    expect(shown).toEqual([
      "0 ms",
      "350 ms",
      "999 ms",
      "1.0 s",
      "12.3 s",
      "59.9 s",
      "1 min 00 s",
      "4 min 05 s",
      "59 min 59 s",
      "1 h 00 min",
      "2 h 03 min",
      "2 d 08 h",
    ]);
  });

  it("a share is 100 % only when it is the whole, and 0 % only when it is nothing", () => {
    expect([
      formatShare(0, 0),
      formatShare(0, 5),
      formatShare(1, 100_000),
      formatShare(2, 3),
      formatShare(99_999, 100_000),
      formatShare(7, 7),
    ]).toEqual(["–", "0.0 %", "0.1 %", "66.7 %", "99.9 %", "100.0 %"]);
  });

  it("rates are exact where they are small", () => {
    expect([0, 12.54, 99.9, 1250.4].map(formatRate)).toEqual(["0.0/s", "12.5/s", "99.9/s", "1,250/s"]);
  });
});
