import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { logNormalLatencies, meanLatency } from "../../src/plan/latencies.ts";
import { playFile } from "../../src/plan/play-file.ts";
import { playRoute, type Scene } from "../../src/plan/play-route.ts";
import { atOnce, callTo, perSecond, playedModel, rowsBy, scene, step } from "./played-scene.ts";

const [A, B, C, J] = ["v/a", "v/b", "w/c", "w/j"] as const satisfies readonly ModelId[];
/** Files this large are played in part. */
const LARGE = 4_800;

const limited = (model: ModelId, calls: number, latencyMs = 500) => playedModel(model, { latencyMs, limits: [perSecond(calls)] });
/** One in twenty takes five times as long as most. */
const UNEVEN = logNormalLatencies(2_000, 10_000);
const both = [[step(callTo(A, 500))], [step(callTo(B, 500))]];

/** By what each of them is about. */
const SCENES: Readonly<Record<string, (rows: number) => Scene>> = {
  "a rate": (rows) => scene(rowsBy(rows, [[step(callTo(A, [300, 900, 2_000]))]]), [limited(A, 12, 1_067)]),
  "a high rate": (rows) => scene(rowsBy(rows, [[step(callTo(A, 500))]]), [limited(A, 80)]),
  "calls in flight": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, [800, 1_200, 1_600]))]]), [playedModel(A, { latencyMs: 1_200, limits: [atOnce(15)] })]),
  "a rate, with calls of very different times": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, UNEVEN))]]), [limited(A, 20, meanLatency(UNEVEN))]),
  "calls in flight, of very different times": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, UNEVEN))]]), [playedModel(A, { latencyMs: meanLatency(UNEVEN), limits: [atOnce(50)] })]),
  "few calls in flight": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, UNEVEN))]]), [playedModel(A, { latencyMs: meanLatency(UNEVEN), limits: [atOnce(3)] })]),
  "long calls, and a pool that grows": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, 20_000))]]), [
      playedModel(A, { latencyMs: 20_000, limits: [perSecond(20)], slots: [36, 76, 156, 316, 450] }),
    ]),
  "two models, whoever is done first": (rows) => scene(rowsBy(rows, both), [limited(A, 8), limited(B, 24)], { kind: "soonest" }),
  "a cascade bound by its second step": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, 500), { over: 0.3 }), step(callTo(B, 900))]]), [limited(A, 60), limited(B, 5, 900)]),
  "a cascade bound by its first": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, 500), { over: 0.1 }), step(callTo(B, 900))]]), [limited(A, 20), limited(B, 20, 900)]),
  "a cascade of which the steps are about as narrow": (rows) =>
    scene(rowsBy(rows, [[step(callTo(A, 1_300), { over: 1 }), step(callTo(B, 1_300))]]), [limited(A, 10, 1_300), limited(B, 8, 1_300)]),
  "models that agree, and a judge": (rows) =>
    scene(
      rowsBy(rows, [
        [
          step([callTo(A, 500), callTo(B, 800)], { over: 0.2, followUps: [{ call: callTo(J, 600), share: 0.4 }] }),
          step(callTo(C, 2_000), { followUps: [{ call: callTo(J, 600), share: 0.5 }] }),
        ],
      ]),
      [limited(A, 40), limited(B, 35, 800), limited(C, 30, 2_000), limited(J, 9, 600)],
    ),
  "a first choice that is passed by": (rows) =>
    scene(rowsBy(rows, both, 1), [limited(A, 10), limited(B, 30)], { kind: "in-order", spillMs: 1_500 }),
  "rows of two kinds": (rows) => scene([rowsBy(0.8 * rows, [both[0]!]), rowsBy(0.2 * rows, [both[1]!])], [limited(A, 30), limited(B, 6)]),
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
    expect(offBy(SCENES[about]!(LARGE))).toBeLessThan(0.04);
  });

  // As many as four models with weights can be put in order, and five.
  it.each([24, 120])("takes as long as it would row by row where its rows are of %i kinds", (kinds) => {
    const groups = Array.from({ length: kinds }, () => rowsBy(LARGE / kinds, [[step(callTo(A, 500))]]));
    expect(offBy(scene(groups, [limited(A, 5)]))).toBeLessThan(0.03);
  });

  it("takes its rows all, and as long for each as it takes them", () => {
    const rows = fc.integer({ min: LARGE, max: 3_000_000 });
    fc.assert(
      fc.property(rows, fc.constantFrom("two models, whoever is done first", "a first choice that is passed by"), (count, about) => {
        const { timeMs, taken } = playFile(SCENES[about]!(count));
        const sum = taken.flat().reduce((total, each) => total + each, 0);
        expect(Math.abs(sum / count - 1)).toBeLessThan(0.005);
        const rate = about.startsWith("two") ? 32 : 40;
        expect(Math.abs(timeMs / ((count / rate) * 1_000) - 1)).toBeLessThan(0.03);
      }),
      { numRuns: 8 },
    );
  });
});

describe("a small file", () => {
  it("is played row by row", () => {
    for (const make of Object.values(SCENES)) {
      const small = make(300);
      expect(playRoute(small)).toMatchObject(playFile(small));
    }
  });
});
