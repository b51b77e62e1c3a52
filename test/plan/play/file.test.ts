import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../../src/job/names.ts";
import { logNormalLatencies, meanLatency } from "../../../src/plan/latencies.ts";
import { playFile } from "../../../src/plan/play/file.ts";
import { playRoute, type Scene } from "../../../src/plan/play/route.ts";
import { atOnce, callTo, perSecond, playedModel, rowsBy, scene, step } from "./played-scene.ts";

const [A, B, C, J] = ["v/a", "v/b", "w/c", "w/j"] as const satisfies readonly ModelId[];
/** Files with so many seconds' work are played in part. */
const LARGE_SECONDS = 300;

const limited = (model: ModelId, calls: number, latencyMs = 500) => playedModel(model, { latencyMs, limits: [perSecond(calls)] });
/** One in twenty takes five times as long as most. */
const UNEVEN = logNormalLatencies(2_000, 10_000);
const LONG = logNormalLatencies(20_000, 60_000);
const both = [[step(callTo(A, 500))], [step(callTo(B, 500))]];

interface About {
  /** At which they are taken at first. */
  readonly rowsPerSecond: number;
  readonly make: (rows: number) => Scene;
  /** Default {@link LARGE_SECONDS}. */
  readonly seconds?: number;
}

/** By what each of them is about. */
const SCENES: Readonly<Record<string, About>> = {
  "a rate": {
    rowsPerSecond: 12,
    make: (rows) => scene(rowsBy(rows, [[step(callTo(A, [300, 900, 2_000]))]]), [limited(A, 12, 1_067)]),
  },
  "a high rate": { rowsPerSecond: 40, make: (rows) => scene(rowsBy(rows, [[step(callTo(A, 500))]]), [limited(A, 40)]) },
  "calls in flight": {
    rowsPerSecond: 12.5,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, [200, 400, 3_000]))]]), [playedModel(A, { latencyMs: 1_200, limits: [atOnce(15)] })]),
  },
  "a rate, with calls of very different times": {
    rowsPerSecond: 20,
    make: (rows) => scene(rowsBy(rows, [[step(callTo(A, UNEVEN))]]), [limited(A, 20, meanLatency(UNEVEN))]),
  },
  "a rate, with long calls of very different times": {
    rowsPerSecond: 5,
    make: (rows) => scene(rowsBy(rows, [[step(callTo(A, LONG))]]), [limited(A, 5, meanLatency(LONG))]),
    seconds: 1_600,
  },
  "calls in flight, of very different times": {
    rowsPerSecond: 16,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, UNEVEN))]]), [playedModel(A, { latencyMs: meanLatency(UNEVEN), limits: [atOnce(50)] })]),
  },
  "few calls in flight": {
    rowsPerSecond: 5,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, UNEVEN))]]), [playedModel(A, { latencyMs: meanLatency(UNEVEN), limits: [atOnce(3)] })]),
  },
  "long calls, and a pool that grows": {
    rowsPerSecond: 20,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, 20_000))]]), [
        playedModel(A, { latencyMs: 20_000, limits: [perSecond(20)], slots: [36, 76, 156, 316, 450] }),
      ]),
  },
  "two models, whoever is done first": {
    rowsPerSecond: 32,
    make: (rows) => scene(rowsBy(rows, both), [limited(A, 8), limited(B, 24)], { kind: "soonest" }),
  },
  "a cascade bound by its second step": {
    rowsPerSecond: 20,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, 500), { over: 0.3 }), step(callTo(B, 900))]]), [limited(A, 20), limited(B, 2, 900)]),
  },
  "a cascade bound by its first": {
    rowsPerSecond: 20,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, 500), { over: 0.1 }), step(callTo(B, 900))]]), [limited(A, 20), limited(B, 20, 900)]),
  },
  "a cascade of which the steps are about as narrow": {
    rowsPerSecond: 10,
    make: (rows) =>
      scene(rowsBy(rows, [[step(callTo(A, 1_300), { over: 1 }), step(callTo(B, 1_300))]]), [limited(A, 10, 1_300), limited(B, 8, 1_300)]),
  },
  "models that agree, and a judge": {
    rowsPerSecond: 30,
    make: (rows) =>
      scene(
        rowsBy(rows, [
          [
            step([callTo(A, 500), callTo(B, 800)], { over: 0.2, followUps: [{ call: callTo(J, 600), share: 0.4 }] }),
            step(callTo(C, 2_000), { followUps: [{ call: callTo(J, 600), share: 0.5 }] }),
          ],
        ]),
        [limited(A, 16), limited(B, 14, 800), limited(C, 12, 2_000), limited(J, 4, 600)],
      ),
  },
  "a first choice that is passed by": {
    rowsPerSecond: 40,
    make: (rows) => scene(rowsBy(rows, both, 1), [limited(A, 10), limited(B, 30)], { kind: "in-order", spillMs: 1_500 }),
  },
  "rows of two kinds": {
    rowsPerSecond: 18,
    make: (rows) => scene([rowsBy(0.8 * rows, [both[0]!]), rowsBy(0.2 * rows, [both[1]!])], [limited(A, 15), limited(B, 3)]),
  },
};

/** By how much its time, or its rows of any way, are off: as a share of what they are when every row is played. */
function offBy(large: Scene): number {
  const [file, whole] = [playFile(large), playRoute(large)];
  const ways = whole.taken.flatMap((taken, group) => {
    const rows = taken.reduce((sum, each) => sum + each, 0);
    return taken.map((each, way) => Math.abs(file.taken[group]![way]! - each) / rows);
  });
  return Math.max(Math.abs(file.timeMs / whole.timeMs - 1), ...ways);
}

describe("a large file", () => {
  it.each(Object.keys(SCENES))("takes as long as it would row by row: %s", (about) => {
    const { rowsPerSecond, make, seconds = LARGE_SECONDS } = SCENES[about]!;
    expect(offBy(make(seconds * rowsPerSecond))).toBeLessThan(0.03);
  });

  // As many as four models with weights can be put in order, and five.
  it.each([24, 120])("takes as long as it would row by row where its rows are of %i kinds", (kinds) => {
    const groups = Array.from({ length: kinds }, () => rowsBy(2_400 / kinds, [[step(callTo(A, 500))]]));
    expect(offBy(scene(groups, [limited(A, 1.5)]))).toBeLessThan(0.03);
  });

  it("takes its rows all, and as long for each as it takes them", () => {
    const rows = fc.integer({ min: 15_000, max: 3_000_000 });
    fc.assert(
      fc.property(rows, fc.constantFrom("two models, whoever is done first", "a first choice that is passed by"), (count, about) => {
        const { rowsPerSecond, make } = SCENES[about]!;
        const { timeMs, taken } = playFile(make(count));
        expect(taken.flat().reduce((total, each) => total + each, 0)).toBeCloseTo(count, 3);
        expect(Math.abs(timeMs / ((count / rowsPerSecond) * 1_000) - 1)).toBeLessThan(0.03);
      }),
      { numRuns: 8 },
    );
  });

  it("takes all rows also of a kind that is so rare that none of it is played", () => {
    const rare = scene([rowsBy(100_000, [both[0]!]), rowsBy(3, [both[1]!])], [limited(A, 10), limited(B, 10)]);
    expect(playFile(rare).taken).toEqual([[100_000], [3]]);
  });
});

describe("a file of which a stock goes at once", () => {
  /** So many, and then one in ten seconds. */
  const stocked = (model: ModelId, calls: number) => {
    const stock = { name: "rpd", rate: { amount: "rpm", perMs: 1 / 10_000, burstMs: calls * 10_000, isStock: true } } as const;
    return { ...limited(model, 10), limits: [perSecond(10), stock] };
  };

  it.each([300, 2_000, 10_000])(
    "takes what is beyond it as slowly as it comes, whether it is played row by row or in part: %i",
    (stock) => {
      const rows = 12_000;
      const { timeMs } = playFile(scene(rowsBy(rows, [both[0]!]), [stocked(A, stock)]));
      expect(Math.abs(timeMs / ((rows - stock) * 10_000) - 1)).toBeLessThan(0.03);
    },
  );

  it("leaves the rest to others, as it would row by row", () => {
    const large = scene(rowsBy(20_000, both), [stocked(A, 2_000), limited(B, 10)], { kind: "soonest" });
    expect(offBy(large)).toBeLessThan(0.03);
    expect(playFile(large).taken[0]![0]!).toBeLessThan(2_400);
  });
});

describe("a small file", () => {
  it("takes its rows all, also where they are parts of rows", () => {
    const { taken } = playFile(
      scene([rowsBy(10.4, [both[0]!]), rowsBy(20.4, both)], [limited(A, 10), limited(B, 10)], { kind: "soonest" }),
    );
    expect(taken.map((ways) => ways.reduce((sum, each) => sum + each, 0))).toEqual([10.4, 20.4].map((rows) => expect.closeTo(rows, 9)));
  });

  it("is played row by row", () => {
    for (const { make } of Object.values(SCENES)) {
      const small = make(300);
      const { timeMs, taken } = playRoute(small);
      expect(playFile(small)).toEqual({ timeMs, taken });
    }
  });
});
