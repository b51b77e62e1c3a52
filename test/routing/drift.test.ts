import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { agreementId, findFalls, hasFallen } from "../../src/routing/drift.ts";
import { NO_STATS, type ModelStats } from "../../src/routing/model-stats.ts";

const PILOT = { rate: 0.95, of: 200 };
const share = fc.record({ rate: fc.double({ min: 0, max: 1, noNaN: true }), of: fc.integer({ min: 1, max: 1_000 }) });

describe("a fall", () => {
  it("is one that chance hardly brings and that is worth the name", () => {
    expect(hasFallen(PILOT, { rate: 0.8, of: 300 })).toBe(true);
    expect(hasFallen(PILOT, { rate: 0.94, of: 300 })).toBe(false);
    expect(hasFallen(PILOT, { rate: 0.9, of: 60 })).toBe(false);
  });

  it("of less than two points is none, however many answers say so", () => {
    expect(hasFallen({ rate: 0.95, of: 1_000_000 }, { rate: 0.94, of: 1_000_000 })).toBe(false);
    expect(hasFallen({ rate: 0.95, of: 1_000_000 }, { rate: 0.92, of: 1_000_000 })).toBe(true);
  });

  it("isn't seen in fewer than thirty answers", () => {
    expect(hasFallen(PILOT, { rate: 0, of: 29 })).toBe(false);
    expect(hasFallen(PILOT, { rate: 0, of: 30 })).toBe(true);
  });

  it("from a perfect record is seen, and a perfect record that stays one is none", () => {
    expect(hasFallen({ rate: 1, of: 200 }, { rate: 0.9, of: 300 })).toBe(true);
    expect(hasFallen({ rate: 1, of: 200 }, { rate: 1, of: 300 })).toBe(false);
    expect(hasFallen({ rate: 0, of: 200 }, { rate: 0, of: 300 })).toBe(false);
  });

  it("weighs the pilot's sample: a small one proves little", () => {
    const now = { rate: 0.85, of: 300 };
    expect([20, 2_000].map((of) => hasFallen({ rate: 0.95, of }, now))).toEqual([false, true]);
  });

  it("once seen lasts until it is well over: it doesn't come and go", () => {
    const between = { rate: 0.89, of: 300 };
    expect(hasFallen(PILOT, between)).toBe(false);
    expect(hasFallen(PILOT, between, true)).toBe(true);
    expect(hasFallen(PILOT, { rate: 0.93, of: 300 }, true)).toBe(false);
  });

  it("is never a rise, and one that is seen anew is seen as a lasting one too", () => {
    fc.assert(
      fc.property(share, share, (before, now) => {
        const [anew, lasting] = [hasFallen(before, now), hasFallen(before, now, true)];
        expect(lasting && now.rate >= before.rate).toBe(false);
        expect(anew && !lasting).toBe(false);
      }),
    );
  });

  it("by chance alone is seen in hardly one of a hundred looks", () => {
    const looks = 4_000;
    let seen = 0;
    let state = 12_345;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const drawn = (of: number) => Array.from({ length: of }, () => random() < 0.9).filter(Boolean).length / of;
    for (let i = 0; i < looks; i++) if (hasFallen({ rate: drawn(200), of: 200 }, { rate: drawn(300), of: 300 })) seen++;
    expect(seen / looks).toBeLessThan(0.01);
  });
});

describe("what is watched", () => {
  const drift = {
    passRates: { "a/1": PILOT, "b/2": PILOT },
    agreements: { "a/1+b/2": { rate: 0.9, of: 200 } },
    isDemoting: false,
  };
  const statsOf = (stats: Readonly<Record<string, Partial<ModelStats>>>) => (id: ModelId) => ({ ...NO_STATS, ...stats[id] });
  const never = () => false;

  it("are each model's checks and each step's agreement, with what was and what is", () => {
    const stats = statsOf({ "b/2": { calls: 400, answerRate: 0.5, passRate: 0.7 }, "a/1+b/2": { calls: 300, passRate: 0.6 } });
    expect(findFalls(drift, stats, never)).toEqual([
      { of: "checks", subject: "b/2", before: 0.95, now: 0.7, seen: 200 },
      { of: "agreement", subject: "a/1+b/2", before: 0.9, now: 0.6, seen: 300 },
    ]);
    expect(agreementId(["a/1", "b/2"])).toBe("a/1+b/2");
  });

  it("nothing has fallen of which nothing is known, nor by calls that brought no answer", () => {
    expect(findFalls(drift, statsOf({}), never)).toEqual([]);
    expect(findFalls(drift, statsOf({ "a/1": { calls: 400, answerRate: 0, passRate: 1 } }), never)).toEqual([]);
  });

  it("what had fallen at the last look is held to the easier test, each by itself", () => {
    const stats = statsOf({ "a/1": { calls: 300, passRate: 0.89 }, "b/2": { calls: 300, passRate: 0.89 } });
    expect(findFalls(drift, stats, (subject) => subject === "b/2").map(({ subject }) => subject)).toEqual(["b/2"]);
  });
});
