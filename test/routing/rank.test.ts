import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Price } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Exclusion } from "../../src/job/progress.ts";
import type { Route, Step, Strategy } from "../../src/job/task.ts";
import { rank } from "../../src/routing/rank.ts";
import { splitTraffic } from "../../src/routing/split-traffic.ts";
import { type Entry, modelSpec, type ModelState, routeSpec, type SubjectChanges, subjectSpec, toStep, viewSpec } from "./specs.ts";

const price = (input: number, output: number): Price => ({ input, output, cachedInput: input, cacheWrite: input });

const MODELS = [
  modelSpec("a/dear", { tier: "premium", price: price(3_000_000, 15_000_000) }),
  modelSpec("b/cheap", { tier: "fast", price: price(150_000, 600_000) }),
  modelSpec("c/middle", { tier: "standard", price: price(800_000, 4_000_000) }),
  modelSpec("d/unpriced", { tier: "standard" }),
  modelSpec("e/unpriced", { tier: "standard" }),
];

interface World extends SubjectChanges {
  readonly states?: Readonly<Record<string, ModelState>>;
  readonly route?: Partial<Route>;
}

function ranked(strategy: Strategy, entries: readonly Entry[], { states, route, ...changes }: World = {}) {
  const task = { route: routeSpec(entries, { strategy, ...route }) };
  return rank(subjectSpec({ ...changes, task: { ...task, ...changes.task } }), viewSpec(MODELS, states));
}
const order = (...args: Parameters<typeof ranked>) => ranked(...args).map(({ step }) => step.models.join("+"));
const failed = (model: ModelId, cause: Exclusion["cause"] = "check") => ({ excluded: [{ model, cause, reason: "wrong" }] });

describe("the strategies", () => {
  it("ordered keeps the order given", () => {
    expect(order({ kind: "ordered" }, ["a/dear", "b/cheap", "c/middle"])).toEqual(["a/dear", "b/cheap", "c/middle"]);
  });

  it("cheapest goes by the expected cost of all of a step's models, those without a price last in the order given", () => {
    const entries: readonly Entry[] = ["d/unpriced", "a/dear", ["b/cheap", "c/middle"], "e/unpriced", "c/middle", "b/cheap"];
    expect(order({ kind: "cheapest" }, entries)).toEqual(["b/cheap", "c/middle", "b/cheap+c/middle", "a/dear", "d/unpriced", "e/unpriced"]);
  });

  it("cheapest counts how long a model's answers are: a talkative cheap one may be the dearer", () => {
    const states = { "b/cheap": { stats: { calls: 50, outputTokens: 8_000 } }, "c/middle": { stats: { calls: 50, outputTokens: 20 } } };
    expect(order({ kind: "cheapest" }, ["b/cheap", "c/middle"], { states })).toEqual(["c/middle", "b/cheap"]);
  });

  it("cheapest compares a model that has not answered yet by its price, as if its answers were as long as the others'", () => {
    const states = { "c/middle": { stats: { calls: 50, outputTokens: 20 } } };
    const needs = { outputTokens: 4_000 };
    expect(order({ kind: "cheapest" }, ["c/middle", "b/cheap"], { states, needs })).toEqual(["b/cheap", "c/middle"]);
  });

  it("states an expected cost in nano-dollars", () => {
    const [first] = ranked({ kind: "ordered" }, ["b/cheap"], { needs: { inputTokens: 1_000, outputTokens: 100 } });
    // 1,000 tokens at $0.15 and 100 at $0.60 a million.
    expect(first?.scores.costNanoUsd).toBe(210_000);
  });

  it("fastest goes by the median latency, of a step's slowest model", () => {
    const states = { "a/dear": { stats: { p50Ms: 300 } }, "b/cheap": { stats: { p50Ms: 900 } }, "c/middle": { stats: { p50Ms: 600 } } };
    const entries: readonly Entry[] = [["a/dear", "b/cheap"], "c/middle", "a/dear"];
    expect(order({ kind: "fastest" }, entries, { states })).toEqual(["a/dear", "c/middle", "a/dear+b/cheap"]);
  });

  it("soonest counts the wait too", () => {
    const states = { "a/dear": { waitMs: 5_000, stats: { p50Ms: 300 } }, "b/cheap": { waitMs: 1_000, stats: { p50Ms: 900 } } };
    expect(order({ kind: "soonest" }, ["a/dear", "b/cheap"], { states })).toEqual(["b/cheap", "a/dear"]);
    expect(order({ kind: "fastest" }, ["a/dear", "b/cheap"], { states })).toEqual(["a/dear", "b/cheap"]);
  });

  it("best goes by quality: the tier, or the figure given, until answers have been seen", () => {
    expect(order({ kind: "best" }, ["b/cheap", "c/middle", "a/dear"])).toEqual(["a/dear", "c/middle", "b/cheap"]);
    const route = { quality: { "b/cheap": 0.97 } };
    expect(order({ kind: "best" }, ["a/dear", "b/cheap"], { route })).toEqual(["b/cheap", "a/dear"]);
    const states = { "a/dear": { stats: { calls: 400, passRate: 0.6 } }, "b/cheap": { stats: { calls: 400, passRate: 0.9 } } };
    expect(order({ kind: "best" }, ["a/dear", "b/cheap"], { states })).toEqual(["b/cheap", "a/dear"]);
  });

  it("balanced is each strategy's own order when all the weight is on one side", () => {
    const states = { "a/dear": { stats: { p50Ms: 100 } }, "b/cheap": { stats: { p50Ms: 900 } }, "c/middle": { stats: { p50Ms: 400 } } };
    const entries: readonly Entry[] = ["b/cheap", "c/middle", "a/dear"];
    const none = { quality: 0, cost: 0, speed: 0 };
    expect(order({ kind: "balanced", ...none, cost: 1 }, entries, { states })).toEqual(order({ kind: "cheapest" }, entries, { states }));
    expect(order({ kind: "balanced", ...none, speed: 3 }, entries, { states })).toEqual(order({ kind: "fastest" }, entries, { states }));
    expect(order({ kind: "balanced", ...none, quality: 2 }, entries, { states })).toEqual(order({ kind: "best" }, entries, { states }));
  });

  it("balanced does not make much of a hair's breadth", () => {
    const route = { quality: { "a/dear": 0.95, "b/cheap": 0.949 } };
    expect(order({ kind: "balanced", quality: 9, cost: 1, speed: 0 }, ["a/dear", "b/cheap"], { route })).toEqual(["b/cheap", "a/dear"]);
  });

  it("complexity goes to the band that holds it, then to the harder ones, then to the simpler ones", () => {
    const [simple, medium, complex] = (["b/cheap", "c/middle", "a/dear"] as const).map(toStep) as [Step, Step, Step];
    const bands = [
      { upTo: 0.3, steps: [simple] },
      { upTo: 0.6, steps: [medium] },
      { upTo: 1, steps: [complex] },
    ];
    const at = (complexity: number) =>
      order({ kind: "complexity", bands }, [], { complexity, route: { steps: [simple, medium, complex] } });
    expect(at(0)).toEqual(["b/cheap", "c/middle", "a/dear"]);
    expect(at(0.3)).toEqual(["b/cheap", "c/middle", "a/dear"]);
    expect(at(0.31)).toEqual(["c/middle", "a/dear", "b/cheap"]);
    expect(at(1)).toEqual(["a/dear", "c/middle", "b/cheap"]);
  });
});

describe("splitting traffic", () => {
  const STEPS = (["a/1", "b/2", "c/3"] as const).map(toStep);
  const shares = (weights: readonly number[]) => weights.map((weight, i) => ({ step: STEPS[i]!, weight }));
  const rows = Array.from({ length: 6_000 }, (_, row) => row);

  it("keeps to the weights, in every batch", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 3 });
    fc.assert(
      fc.property(weights, fc.stringMatching(/^[a-z0-9-]{1,20}$/), (drawn, batch) => {
        const sum = drawn.reduce((a, b) => a + b, 0);
        const first = rows.map((row) => splitTraffic({ batch, row }, shares(drawn))[0]);
        for (const [i, weight] of drawn.entries()) {
          const expected = weight / sum;
          const share = first.filter((step) => step === STEPS[i]).length / rows.length;
          // Five standard deviations: one in a million.
          expect(Math.abs(share - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / rows.length));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives the rows of a step that can't be had to the others in their proportions, and leaves all others where they were", () => {
    const [one, , three] = shares([5, 3, 2]);
    const moved = rows.filter((row) => splitTraffic({ batch: "b", row }, shares([5, 3, 2]))[0] === STEPS[1]);
    const to = (row: number) => splitTraffic({ batch: "b", row }, [one!, three!])[0];
    expect(moved.filter((row) => to(row) === STEPS[0]).length / moved.length).toBeCloseTo(5 / 7, 1);
    const stayed = rows.filter((row) => !moved.includes(row));
    expect(stayed.map(to)).toEqual(stayed.map((row) => splitTraffic({ batch: "b", row }, shares([5, 3, 2]))[0]));
  });

  it("says the same of a row every time, in whatever order the route is written", () => {
    for (const row of rows.slice(0, 200)) {
      const there = splitTraffic({ batch: "b", row }, shares([5, 3, 2]));
      expect(splitTraffic({ batch: "b", row }, shares([5, 3, 2]).toReversed())).toEqual(there);
    }
    const strategy: Strategy = { kind: "weighted", weights: [1, 1, 1] };
    const first = (row: number) => order(strategy, ["a/dear", "b/cheap", "c/middle"], { job: { row } })[0];
    expect(new Set(rows.slice(0, 50).map(first)).size).toBe(3);
  });
});

describe("after an answer was found wanting", () => {
  it("those no better go behind the better ones, whether a check, a judge or a disagreement said so", () => {
    const entries: readonly Entry[] = ["b/cheap", "c/middle", "d/unpriced", "a/dear"];
    for (const cause of ["check", "judged", "disagreed"] as const) {
      const progress = failed("c/middle", cause);
      expect(order({ kind: "cheapest" }, entries, { progress })).toEqual(["a/dear", "b/cheap", "d/unpriced"]);
    }
  });

  it("the order stays when the model was only out of reach", () => {
    expect(order({ kind: "cheapest" }, ["b/cheap", "c/middle", "a/dear"], { progress: failed("c/middle", "transient") })).toEqual([
      "b/cheap",
      "a/dear",
    ]);
  });

  it("fallbacks stay behind all first choices, in their order", () => {
    const route = { fallback: (["b/cheap", "a/dear"] as const).map(toStep) };
    const world = { progress: failed("c/middle"), route };
    expect(order({ kind: "ordered" }, ["c/middle", "d/unpriced"], world)).toEqual(["d/unpriced", "b/cheap", "a/dear"]);
  });
});

describe("a trial's job", () => {
  it("goes to the models it names, as it names them, as far as they are able", () => {
    const job = { trial: "checked", allow: ["c/middle", "z/unknown", "a/dear"] } as const;
    expect(order({ kind: "cheapest" }, ["b/cheap"], { job })).toEqual(["c/middle", "a/dear"]);
  });
});

describe("demoted models", () => {
  it("go behind all others, fallbacks included", () => {
    const states = { "b/cheap": { isDemoted: true } };
    const route = { fallback: [toStep("a/dear")] };
    expect(order({ kind: "cheapest" }, ["b/cheap", "c/middle", ["b/cheap", "c/middle"]], { states, route })).toEqual([
      "c/middle",
      "a/dear",
      "b/cheap",
      "b/cheap+c/middle",
    ]);
  });
});
