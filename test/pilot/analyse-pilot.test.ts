import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { analysePilot } from "../../src/pilot/analyse-pilot.ts";
import { mixedQuality } from "../../src/pilot/hull.ts";
import type { PilotAnswer, PilotInput } from "../../src/pilot/pilot.ts";
import { routeKey } from "../../src/pilot/render-table.ts";
import { mean } from "../../src/pilot/sample.ts";
import { measureRecommendation, summarise } from "./measure-recommendation.ts";
import { createWorld, type World, type WorldOptions } from "./sample-worlds.ts";

const GRADED = { errors: [0.15, 0.12, 0.1, 0.06, 0.04, 0.03], costsNanoUsd: [5e4, 1e5, 2e5, 8e5, 1.5e6, 3e6] };

/** Recommended from 200 rows, measured on 2,000 others, in worlds of many seeds. */
function inWorlds(options: Pick<WorldOptions, "errors" | "costsNanoUsd" | "mistakes">) {
  return Array.from({ length: 15 }, (_, seed) => {
    const world = createWorld({ ...options, seed: seed + 1, rows: 2200 });
    return measureRecommendation(world, world.rows.slice(0, 200), world.rows.slice(200));
  });
}

describe("the recommendation", () => {
  it("is a cascade at a fraction of the cost where models err apart", () => {
    const result = summarise(inWorlds({ ...GRADED, mistakes: "apart" }));
    expect(result.meanGap).toBeGreaterThanOrEqual(-0.5);
    expect(result.splitsFarBelow).toBeLessThanOrEqual(1);
    expect(result.meanCostShare).toBeLessThanOrEqual(0.4);
  });

  it("is the best model alone where all err on the same rows in the same way, for agreement then shows nothing", () => {
    for (const { report } of inWorlds({ ...GRADED, mistakes: "together" })) {
      expect(report.recommended!.steps).toEqual(report.best!.steps);
      expect(report.reasons.join("\n")).toContain("alone. No cheaper route is expected to hold");
    }
  });

  it("is the cheapest model where all give the same answers", () => {
    for (const { report } of inWorlds({ ...GRADED, errors: GRADED.errors.map(() => 0.05), mistakes: "together" })) {
      expect(report.recommended!.steps).toEqual([{ models: ["a/m0"] }]);
    }
  });

  it("is never far worse where all models are equally good", () => {
    const result = summarise(inWorlds({ ...GRADED, errors: GRADED.errors.map(() => 0.05), mistakes: "apart" }));
    expect(result.meanGap).toBeGreaterThanOrEqual(0);
    expect(result.splitsFarBelow).toBe(0);
  });

  it("is the one good model alone where the others are poor", () => {
    const measured = inWorlds({ ...GRADED, errors: [0.35, 0.35, 0.35, 0.03, 0.35, 0.35], mistakes: "apart" });
    const alone = measured.filter(({ report }) => report.recommended!.steps.length === 1);
    expect(alone.map(({ report }) => report.best!.model)).toEqual(alone.map(() => "a/m3"));
    expect(summarise(measured).meanGap).toBeGreaterThanOrEqual(-0.5);
  });

  it("holds a given floor instead of the best model's quality, and so costs no more", () => {
    const measured = Array.from({ length: 10 }, (_, seed) => {
      const world = createWorld({ ...GRADED, mistakes: "together", seed: seed + 1, rows: 600 });
      const free = analysePilot({ ...world, seed: 1 });
      const floored = analysePilot({ ...world, floor: 0.85, seed: 1 });
      expect(floored.recommended!.costNanoUsd).toBeLessThanOrEqual(free.recommended!.costNanoUsd);
      expect(floored.reasons.join("\n")).toContain("a quality of 85.0 %");
      return floored.recommended!.quality;
    });
    expect(mean(measured)).toBeGreaterThanOrEqual(0.85);
  });

  it("says so where no route is sure to hold the floor", () => {
    const report = analysePilot({ ...createWorld({ ...GRADED, mistakes: "together", seed: 1, rows: 200 }), floor: 0.995, seed: 1 });
    expect(report.recommended!.steps).toEqual(report.best!.steps);
    expect(report.reasons.join("\n")).toContain("No route is sure to hold a quality of 99.5 %");
  });

  it("offers what 1.5 points less would save, with an expectation that is true on average", () => {
    const offers = inWorlds({ ...GRADED, errors: [0.045, 0.5, 0.5, 0.5, 0.5, 0.03], mistakes: "together" })
      .map(({ report }) => report.lowered)
      .filter((offer) => offer !== undefined);
    expect(offers.length).toBeGreaterThan(7);
    for (const offer of offers) {
      expect(offer.steps[0]!.models).toEqual(["a/m0"]);
      expect(offer.savedShare).toBeGreaterThan(0.9);
    }
    expect(mean(offers.map((offer) => offer.expectedToBest))).toBeCloseTo(-0.015, 2);
  });

  it("carries what drift is held against: passes and agreements on the rows that come to each step", () => {
    const world = createWorld({ ...GRADED, mistakes: "apart", seed: 1, rows: 300 });
    const { recommended, baseline } = analysePilot({ ...world, seed: 1 });
    const [first, last] = [recommended!.steps[0]!, recommended!.steps.at(-1)!];
    const agreement = baseline.agreements[first.models.join("+")]!;
    expect(agreement.of).toBe(300);
    expect(agreement.rate).toBeCloseTo(1 - recommended!.reach[1]!);
    expect(baseline.passRates[first.models[0]!]).toEqual({ rate: 1, of: 300 });
    expect(baseline.passRates[last.models[0]!]!.of).toBe(Math.round(300 * recommended!.reach.at(-1)!));
  });
});

describe("the report", () => {
  it("keeps its own rules in any small world", () => {
    fc.assert(
      fc.property(smallInput(), (input) => {
        const report = analysePilot(input);
        expect(analysePilot(input)).toEqual(report);
        const { best, recommended, models, cascades, mixing } = report;
        expect(report.reasons.length).toBeGreaterThan(0);
        expect(models.length + report.leftOutModels.length).toBe(input.models.length);
        expect(report.rows + report.leftOutRows).toBe(input.rows.length);
        if (!best || !recommended) return;
        expect(recommended.costNanoUsd).toBeLessThanOrEqual(best.costNanoUsd);
        expect(Math.max(...models.map(({ quality }) => quality))).toBe(best.quality);
        for (const { quality, interval, toBest, reach } of [...models, ...cascades]) {
          expect(interval.low).toBeLessThanOrEqual(quality);
          expect(interval.high).toBeGreaterThanOrEqual(quality);
          expect(toBest.mean).toBeCloseTo(quality - best.quality);
          expect(reach[0]).toBe(report.rows === 0 ? 0 : 1);
        }
        for (const model of models) expect(mixedQuality(mixing, model.costNanoUsd)).toBeGreaterThanOrEqual(model.quality - 1e-9);
        expect(new Set(cascades.map(routeKey)).size).toBe(cascades.length);
      }),
      { numRuns: 150 },
    );
  });

  it("leaves out models without a price, without usable answers or with gaps, and says why", () => {
    const world = createWorld({ ...GRADED, mistakes: "apart", seed: 1, rows: 100 });
    const rows = world.rows.map(({ row, answers }) => ({
      row,
      answers: Object.fromEntries(
        Object.entries(answers).flatMap(([id, answer]): [string, PilotAnswer][] => {
          if (id === "a/m0") return [[id, { ...answer, costNanoUsd: 0 }]];
          if (id === "b/m1") return [[id, { ...answer, passed: false }]];
          if (id === "c/m2" && row % 2 === 0) return [];
          return [[id, answer]];
        }),
      ),
    }));
    const report = analysePilot({ models: world.models, rows, seed: 1 });
    expect(Object.fromEntries(report.leftOutModels.map(({ model, reason }) => [model, reason]))).toEqual({
      "a/m0": expect.stringContaining("give it a price"),
      "b/m1": expect.stringContaining("passed the checks"),
      "c/m2": "it was asked in 50 of 100 rows only",
    });
    expect(report.rows).toBe(100);
    expect(report.models.map(({ model }) => model)).toEqual(["a/m3", "b/m4", "c/m5"]);
    expect(report.reasons.join("\n")).toContain("a/m0 is left out");
  });

  it("leaves out the few rows that a model was not asked, and rows without a verdict", () => {
    const world = createWorld({ ...GRADED, mistakes: "apart", seed: 1, rows: 100 });
    const rows = world.rows.map(({ row, answers }) => ({
      row,
      answers: Object.fromEntries(
        Object.entries(answers).flatMap(([id, { correct, ...answer }]): [string, PilotAnswer][] => {
          if (row === 7 && id === "a/m0") return [];
          return [[id, row < 3 ? answer : { ...answer, correct: correct === true }]];
        }),
      ),
    }));
    expect(analysePilot({ models: world.models, rows, seed: 1 })).toMatchObject({ rows: 96, leftOutRows: 4, basis: "gold" });
  });

  it("says whose verdict it rests on", () => {
    const world = createWorld({ ...GRADED, mistakes: "apart", seed: 1, rows: 100 });
    expect(analysePilot({ ...world, seed: 1 }).basis).toBe("gold");
    const judged = analysePilot({ ...world, seed: 1, correctBy: "judge" });
    expect(judged.basis).toBe("judge");
    expect(judged.reasons[0]).toContain("a judge's verdict");
  });

  it("has nothing to recommend where no model is left", () => {
    const report = analysePilot({ rows: [], models: [{ id: "a/m0", provider: "a" }], seed: 1 });
    expect(report.recommended).toBeUndefined();
    expect(report.reasons[0]).toContain("Nothing can be recommended");
  });
});

function smallInput(): fc.Arbitrary<PilotInput> {
  const answer = fc.record<PilotAnswer>(
    {
      value: fc.option(fc.constantFrom("x", "y", "z"), { nil: undefined }),
      passed: fc.boolean(),
      correct: fc.boolean(),
      costNanoUsd: fc.nat(1000),
      latencyMs: fc.nat(1000),
    },
    { requiredKeys: ["value", "passed", "costNanoUsd", "latencyMs"] },
  );
  const ids: readonly ModelId[] = ["a/m0", "b/m1", "a/m2", "c/m3"];
  const models = fc.subarray([...ids], { minLength: 1 });
  const rows = fc.array(fc.record(Object.fromEntries(ids.map((id) => [id, answer]))), { maxLength: 25 });
  return fc
    .tuple(models, rows, fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }))
    .map(([models, answers, floor]): World & PilotInput => ({
      models: models.map((id) => ({ id, provider: id.slice(0, 1) })),
      rows: answers.map((row, index) => ({ row: index, answers: row })),
      ...(floor === undefined ? {} : { floor }),
      seed: 1,
    }));
}
