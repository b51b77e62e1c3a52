import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { countTaken, refusedPaces, type TakenByModel } from "../../src/plan/taken-calls.ts";
import { failedCall, rowTrail, said } from "./row-trail.ts";

const [A, B] = ["v/a", "v/b"] as const satisfies readonly ModelId[];
const BURST_MS = 1_000;
const DAY_MS = 86_400_000;

interface RunSpec {
  readonly calls: number;
  readonly everyMs: number;
  /** Evenly over all calls. */
  readonly refused?: number;
  readonly from?: number;
}

/** Calls that begin one after the other, of which some were refused at first. */
function run(model: ModelId, { calls, everyMs, refused = 0, from = 1_000_000 }: RunSpec, taken: TakenByModel = new Map()) {
  for (let i = 0; i < calls; i++) {
    const at = { startedAt: from + i * everyMs, latencyMs: everyMs };
    const isRefused = Math.floor(((i + 1) * refused) / calls) > Math.floor((i * refused) / calls);
    countTaken(taken, rowTrail(i, [...(isRefused ? [failedCall(model, "throttled", at)] : []), said(model, at)]));
  }
  return taken;
}

const merged = (...runs: readonly TakenByModel[]): TakenByModel => new Map(runs.flatMap((each) => [...each]));
const pacesOf = (...runs: readonly TakenByModel[]) => refusedPaces(runs, BURST_MS);
const perSecond = (model: ModelId, ...runs: readonly TakenByModel[]) => pacesOf(...runs).get(model)! * 1_000;

describe("calls of a run", () => {
  it("are counted by model, and those that were refused by themselves", () => {
    const taken: TakenByModel = new Map();
    countTaken(taken, rowTrail(0, [said(A, { startedAt: 5_000 })], [said(B, { startedAt: 6_000 })]));
    countTaken(taken, rowTrail(1, [failedCall(A, "throttled", { startedAt: 4_000 }), said(A, { startedAt: 4_500 })]));
    expect(taken.get(A)).toEqual({ taken: [5_000, 4_500], refused: [4_000] });
    expect(taken.get(B)).toEqual({ taken: [6_000], refused: [] });
  });

  it("that failed were taken all the same", () => {
    const taken: TakenByModel = new Map();
    countTaken(taken, rowTrail(0, [failedCall(A, "transient", { startedAt: 1 }), said(A, { startedAt: 2 })]));
    expect(taken.get(A)).toEqual({ taken: [1, 2], refused: [] });
  });
});

describe("what a vendor bears", () => {
  it("is the pace at which it took calls while it refused others, but for what it took at once", () => {
    // The last of 200 calls begins after 49.75 s.
    expect(perSecond(A, run(A, { calls: 200, everyMs: 250, refused: 10 }))).toBeCloseTo(200 / (49.75 + 1), 6);
  });

  it("is not known where it refused none, or a single one in very many, or where few calls were made", () => {
    expect(pacesOf(run(A, { calls: 200, everyMs: 250 })).size).toBe(0);
    expect(pacesOf(run(A, { calls: 200, everyMs: 250, refused: 1 })).size).toBe(0);
    expect(pacesOf(run(A, { calls: 4_000, everyMs: 20, refused: 12 })).size).toBe(0);
    expect(pacesOf(run(A, { calls: 20, everyMs: 250, refused: 10 })).size).toBe(0);
    expect(pacesOf().size).toBe(0);
  });

  it("is not known where it refused everything", () => {
    const taken: TakenByModel = new Map();
    for (let i = 0; i < 60; i++) countTaken(taken, rowTrail(i, [failedCall(A, "throttled", { startedAt: 1_000_000 + i * 1_000 })]));
    expect(pacesOf(taken).size).toBe(0);
    // Two that it took among very many tell no more.
    countTaken(taken, rowTrail(60, [said(A, { startedAt: 1_010_000 }), said(A, { startedAt: 1_020_000 })]));
    expect(pacesOf(taken).size).toBe(0);
  });

  it("is told by the time around refusals: neither by days without a call, nor by hours in which it was asked now and then", () => {
    const resumed = run(A, { calls: 500, everyMs: 20, refused: 10 });
    run(A, { calls: 500, everyMs: 20, refused: 10, from: 1_000_000 + DAY_MS }, resumed);
    // 9.98 s each time, and what went at once.
    expect(perSecond(A, resumed)).toBeCloseTo(500 / (9.98 + 1), 6);
    expect(pacesOf(run(A, { calls: 60, everyMs: 120_000, refused: 2 })).size).toBe(0);
    expect(pacesOf(run(A, { calls: 600, everyMs: 1_000, refused: 4 })).size).toBe(0);
    const mostlyIdle = run(A, { calls: 400, everyMs: 100, refused: 20 });
    run(A, { calls: 200, everyMs: 60_000, from: 1_000_000 + DAY_MS }, mostlyIdle);
    expect(perSecond(A, mostlyIdle)).toBeCloseTo(400 / (39.9 + 1), 1);
  });

  it("is not told by refusals of one moment: those say what may go at once", () => {
    const taken = run(A, { calls: 1_000, everyMs: 20 });
    for (let i = 0; i < 40; i++) countTaken(taken, rowTrail(i, [failedCall(A, "throttled", { startedAt: 1_000_000 + i })]));
    expect(pacesOf(taken).size).toBe(0);
  });

  it("is told by the newest run that made enough calls to it: limits are raised, too", () => {
    const [slow, fast] = [run(A, { calls: 200, everyMs: 1_000, refused: 10 }), run(A, { calls: 200, everyMs: 100, refused: 10 })];
    expect(perSecond(A, fast, slow)).toBeCloseTo(10, 0);
    expect(perSecond(A, run(A, { calls: 10, everyMs: 100, refused: 9 }), slow)).toBeCloseTo(1, 1);
    // It refuses no more.
    expect(pacesOf(run(A, { calls: 200, everyMs: 100 }), slow).size).toBe(0);
  });

  it("is told for each model by itself", () => {
    const newest = merged(run(A, { calls: 200, everyMs: 100 }), run(B, { calls: 100, everyMs: 500, refused: 50 }));
    const paces = pacesOf(newest, run(A, { calls: 200, everyMs: 1_000, refused: 10 }));
    expect([...paces.keys()]).toEqual([B]);
    expect(paces.get(B)! * 1_000).toBeCloseTo(2, 1);
  });
});
