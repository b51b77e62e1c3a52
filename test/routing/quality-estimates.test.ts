import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { estimateQualities } from "../../src/routing/quality-estimates.ts";
import { modelSpec, type ModelState, routeSpec, taskSpec, viewSpec } from "./specs.ts";

const MODELS = [modelSpec("a/fast", { tier: "fast" }), modelSpec("b/standard"), modelSpec("c/premium", { tier: "premium" })];
const IDS = MODELS.map(({ id }) => id);

function qualities(states: Readonly<Record<string, ModelState>> = {}, quality: Readonly<Record<ModelId, number>> = {}) {
  const found = estimateQualities(taskSpec({ route: routeSpec(IDS, { quality }) }), viewSpec(MODELS, states));
  return IDS.map((id) => found.get(id)!) as [number, number, number];
}
const seen = (calls: number, passRate = 1, answerRate = 1): ModelState => ({ stats: { calls, passRate, answerRate } });

describe("expected quality", () => {
  it("begins with the tier, or the figure that is given", () => {
    const [fast, standard, premium] = qualities();
    expect(fast).toBeLessThan(standard);
    expect(standard).toBeLessThan(premium);
    expect(qualities({}, { "a/fast": 0.96 })[0]).toBeCloseTo(0.96, 10);
  });

  it("follows the answers seen", () => {
    const [fast, , premium] = qualities({ "a/fast": seen(500, 0.95), "c/premium": seen(500, 0.8) });
    expect(fast).toBeCloseTo(0.95, 1);
    expect(premium).toBeCloseTo(0.8, 1);
    expect(fast).toBeGreaterThan(premium);
  });

  it("a check that hardly anything fails doesn't put the busiest model above the better one", () => {
    const [fast, standard, premium] = qualities({ "a/fast": seen(500, 0.998), "c/premium": seen(5) });
    expect(premium).toBeGreaterThan(fast);
    expect(standard).toBeGreaterThan(fast - 0.02);
  });

  it("a check that most answers fail doesn't put a model above the others for not having been asked", () => {
    const [fast, standard, premium] = qualities({ "c/premium": seen(300, 0.4) });
    expect(premium).toBeGreaterThan(standard);
    expect(standard).toBeGreaterThan(fast);
  });

  it("a handful of answers doesn't overturn what was known", () => {
    const [fast, , premium] = qualities({ "a/fast": seen(3, 1), "c/premium": seen(3, 2 / 3) });
    expect(premium).toBeGreaterThan(fast);
  });

  it("counts calls that brought no answer", () => {
    const [, standard] = qualities({ "b/standard": seen(400, 1, 0.5) });
    expect(standard).toBeLessThan(0.6);
  });

  it("is a share, whatever was seen, and rises with the model's own pass rate", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const state = fc.record({ calls: fc.double({ min: 0, max: 500, noNaN: true }), passRate: share, answerRate: share });
    fc.assert(
      fc.property(fc.tuple(state, state, state), share, share, (states, given, better) => {
        const world = (passRate: number) =>
          qualities(Object.fromEntries(IDS.map((id, i) => [id, { stats: i === 0 ? { ...states[i], passRate } : states[i]! }])), {
            "b/standard": given,
          });
        for (const quality of world(states[0].passRate)) {
          expect(quality).toBeGreaterThanOrEqual(0);
          expect(quality).toBeLessThanOrEqual(1);
        }
        const [low, high] = [Math.min(better, states[0].passRate), Math.max(better, states[0].passRate)];
        expect(world(high)[0]).toBeGreaterThanOrEqual(world(low)[0] - 1e-9);
      }),
    );
  });
});
