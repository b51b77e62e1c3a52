import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { countTaken, refusedPaces, type TakenByModel } from "../../src/plan/taken-calls.ts";
import { failedCall, rowTrail, said } from "./row-trail.ts";

const [A, B] = ["v/a", "v/b"] as const satisfies readonly ModelId[];

/** Calls that begin one after the other, of which some were refused at first. */
function run(
  model: ModelId,
  { calls, everyMs, refused = 0 }: { readonly calls: number; readonly everyMs: number; readonly refused?: number },
) {
  const taken: TakenByModel = new Map();
  for (let i = 0; i < calls; i++) {
    const at = { startedAt: 1_000_000 + i * everyMs, latencyMs: everyMs };
    countTaken(taken, rowTrail(i, [...(i < refused ? [failedCall(model, "throttled", at)] : []), said(model, at)]));
  }
  return taken;
}

const merged = (...runs: readonly TakenByModel[]): TakenByModel => new Map(runs.flatMap((each) => [...each]));

describe("calls of a run", () => {
  it("are counted by model, from the first one's beginning to the last one's end", () => {
    const taken: TakenByModel = new Map();
    countTaken(taken, rowTrail(0, [said(A, { startedAt: 5_000, latencyMs: 900 })], [said(B, { startedAt: 6_000, latencyMs: 100 })]));
    countTaken(
      taken,
      rowTrail(1, [failedCall(A, "throttled", { startedAt: 4_000, latencyMs: 50 }), said(A, { startedAt: 4_500, latencyMs: 100 })]),
    );
    expect(taken.get(A)).toEqual({ taken: 2, refused: 1, firstAt: 4_000, lastAt: 5_900 });
    expect(taken.get(B)).toEqual({ taken: 1, refused: 0, firstAt: 6_000, lastAt: 6_100 });
  });

  it("that failed were taken all the same", () => {
    const taken: TakenByModel = new Map();
    countTaken(taken, rowTrail(0, [failedCall(A), said(A)]));
    expect(taken.get(A)).toMatchObject({ taken: 2, refused: 0 });
  });
});

describe("what a vendor bears", () => {
  it("is the pace at which it took calls while it refused others", () => {
    const paces = refusedPaces([run(A, { calls: 200, everyMs: 250, refused: 10 })]);
    expect(paces.get(A)! * 1_000).toBeCloseTo(4, 6);
  });

  it("is not known where it refused none, or a single one in very many, or where few calls were made", () => {
    expect(refusedPaces([run(A, { calls: 200, everyMs: 250 })]).size).toBe(0);
    expect(refusedPaces([run(A, { calls: 200, everyMs: 250, refused: 1 })]).size).toBe(0);
    expect(refusedPaces([run(A, { calls: 4_000, everyMs: 250, refused: 4 })]).size).toBe(0);
    expect(refusedPaces([run(A, { calls: 20, everyMs: 250, refused: 10 })]).size).toBe(0);
    expect(refusedPaces([]).size).toBe(0);
  });

  it("is told by the newest run that made enough calls to it: limits are raised, too", () => {
    const [slow, fast] = [run(A, { calls: 200, everyMs: 1_000, refused: 10 }), run(A, { calls: 200, everyMs: 100, refused: 10 })];
    expect(refusedPaces([fast, slow]).get(A)! * 1_000).toBeCloseTo(10, 6);
    expect(refusedPaces([run(A, { calls: 10, everyMs: 100, refused: 9 }), slow]).get(A)! * 1_000).toBeCloseTo(1, 6);
    // It refuses no more.
    expect(refusedPaces([run(A, { calls: 200, everyMs: 100 }), slow]).size).toBe(0);
  });

  it("is told for each model by itself", () => {
    const newest = merged(run(A, { calls: 200, everyMs: 100 }), run(B, { calls: 100, everyMs: 500, refused: 50 }));
    const paces = refusedPaces([newest, run(A, { calls: 200, everyMs: 1_000, refused: 10 })]);
    expect([...paces.keys()]).toEqual([B]);
    expect(paces.get(B)! * 1_000).toBeCloseTo(2, 6);
  });
});
