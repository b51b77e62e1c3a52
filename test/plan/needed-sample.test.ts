import { describe, expect, it } from "vitest";
import { neededSample } from "../../src/plan/needed-sample.ts";
import type { PlannedRoute } from "../../src/plan/plan.ts";
import { plannedRoute } from "./plan-specs.ts";

/** A cost of a dollar that may be off by so much. */
function costOff(low: number, high: number): PlannedRoute {
  return plannedRoute({ costNanoUsd: { low: 1e9 * (1 - low), expected: 1e9, high: 1e9 * (1 + high) } });
}

const history = (trialRows: number, formerRows = 0) => ({ trialRows, formerRows });
const of = (rows: number, mostRows = 1_000_000) => ({ rows, mostRows, isFile: true });

describe("the sample that a plan advises", () => {
  it("is a first one of 200 rows where nothing was ever seen, unless the file has no more", () => {
    expect(neededSample(costOff(0.9, 9), history(0), of(5_000))).toBe(200);
    expect(neededSample(costOff(0.9, 9), history(0), of(200))).toBeUndefined();
  });

  it("is none where the cost is within a tenth, costs nothing, or there is no route", () => {
    expect(neededSample(costOff(0.1, 0.1), history(40), of(5_000))).toBeUndefined();
    expect(neededSample(plannedRoute({ costNanoUsd: { low: 0, expected: 0, high: 0 } }), history(40), of(5_000))).toBeUndefined();
    expect(neededSample(undefined, history(0), of(5_000))).toBeUndefined();
  });

  it("is four times as large for an error of a fifth as what was seen, a little less where the file is not large", () => {
    expect(neededSample(costOff(0.2, 0.15), history(100), of(10_000_000))).toBe(400);
    expect(neededSample(costOff(0.15, 0.2), history(0, 100), of(10_000_000))).toBe(400);
    const ofSome = neededSample(costOff(0.2, 0.2), history(100), of(1_000))!;
    expect(ofSome).toBeLessThan(300);
    expect(ofSome).toBeGreaterThan(100);
    expect(ofSome % 10).toBe(0);
  });

  it("is none where it would have to be the whole file, or no larger than the trials that are there", () => {
    expect(neededSample(costOff(3, 3), history(20), of(60))).toBeUndefined();
    expect(neededSample(costOff(0.11, 0.11), history(190), of(205))).toBeUndefined();
  });

  it("goes by the wider side of the range", () => {
    expect(neededSample(costOff(0.05, 0.3), history(100), of(1_000_000))).toBe(
      neededSample(costOff(0.3, 0.05), history(100), of(1_000_000)),
    );
  });

  it("is no more than can be asked at once: a first one is smaller for that, and of others there is none", () => {
    expect(neededSample(costOff(0.9, 9), history(0), of(5_000, 150))).toBe(150);
    expect(neededSample(costOff(0.2, 0.2), history(100), of(10_000_000, 400))).toBe(400);
    expect(neededSample(costOff(0.2, 0.2), history(100), of(10_000_000, 399))).toBeUndefined();
  });

  it("is none of rows that can be read once only", () => {
    expect(neededSample(costOff(0.9, 9), history(0), { ...of(5_000), isFile: false })).toBeUndefined();
  });
});
