import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseOptions, showPath } from "../../src/config/problem.ts";
import { routeOptions } from "../../src/routing/route-options.ts";
import { buildRoute } from "../../src/routing/route.ts";

/** As a configuration has it. */
const route = (yaml: string) => buildRoute(routeOptions.parse(parse(yaml)));

/** Place and message of everything that is wrong, as a configuration's are told. */
function slips(yaml: string): readonly string[] {
  return parseOptions(routeOptions, parse(yaml)).problems.map(({ path, message }) => `${showPath(path)}: ${message}`);
}

describe("a task's route", () => {
  it("is a cascade when it is a list, in the order given", () => {
    expect(route("[ { agree: [p/a, q/b], on: answer }, r/c ]")).toEqual({
      strategy: { kind: "ordered" },
      steps: [{ models: ["p/a", "q/b"], agree: { on: ["answer"] } }, { models: ["r/c"] }],
      fallback: [],
      quality: {},
    });
  });

  it("takes a strategy, fallbacks, a longest wait and figures known beforehand", () => {
    const yaml = "{ strategy: cheapest, models: [p/a, q/b], fallback: [r/c], spill: 10s, quality: { p/a: 0.95 } }";
    expect(route(yaml)).toEqual({
      strategy: { kind: "cheapest" },
      steps: [{ models: ["p/a"] }, { models: ["q/b"] }],
      fallback: [{ models: ["r/c"] }],
      spillMs: 10_000,
      quality: { "p/a": 0.95 },
    });
  });

  it.each(["ordered", "cheapest", "fastest", "best", "soonest"] as const)("can be %s", (kind) => {
    expect(route(`{ strategy: ${kind}, models: [p/a] }`).strategy).toEqual({ kind });
  });

  it("balances in equal parts, or by the weights given", () => {
    expect(route("{ strategy: balanced, models: [p/a] }").strategy).toEqual({ kind: "balanced", quality: 1, cost: 1, speed: 1 });
    expect(route("{ strategy: { balanced: { quality: 2, cost: 1 } }, models: [p/a] }").strategy).toEqual({
      kind: "balanced",
      quality: 2,
      cost: 1,
      speed: 0,
    });
  });

  it("splits traffic by the weights of its entries, 1 where none is given", () => {
    const { strategy, steps } = route(
      "{ strategy: weighted, models: [ { model: p/a, weight: 3 }, q/b, { agree: [p/a, q/b], weight: 0.5 } ] }",
    );
    expect(strategy).toEqual({ kind: "weighted", weights: [3, 1, 0.5] });
    expect(steps.map(({ models }) => models)).toEqual([["p/a"], ["q/b"], ["p/a", "q/b"]]);
  });

  it("goes by complexity: simple → …, complex → …, with limits of its own where they are given", () => {
    const { strategy, steps } = route("{ strategy: { simple: [p/a], medium: [q/b, p/a], complex: [r/c] } }");
    const [a, b, c] = [{ models: ["p/a"] }, { models: ["q/b"] }, { models: ["r/c"] }];
    const bands = [
      { upTo: 0.3, steps: [a] },
      { upTo: 0.6, steps: [b, a] },
      { upTo: 1, steps: [c] },
    ];
    expect(strategy).toEqual({ kind: "complexity", bands });
    expect(steps).toEqual([a, b, c]);
    const two = route("{ strategy: { simple: [p/a], complex: [r/c], limits: { simple: 0.7 } }, fallback: [q/b] }");
    expect(two).toMatchObject({ strategy: { bands: [{ upTo: 0.7 }, { upTo: 1 }] }, fallback: [b] });
  });

  it("asks for as many to agree as it says, on one field or several", () => {
    expect(route("[ { agree: [p/a, q/b, r/c], on: [label, total], need: 2 } ]").steps).toEqual([
      { models: ["p/a", "q/b", "r/c"], agree: { on: ["label", "total"], need: 2 } },
    ]);
  });

  it("keeps its entries, in order, each one step", () => {
    const id = fc.stringMatching(/^[a-z]\/[a-z]{1,3}$/);
    const entry = fc.oneof(
      id,
      fc.uniqueArray(id, { minLength: 2, maxLength: 3 }).map((agree) => ({ agree })),
    );
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), fc.array(entry, { maxLength: 3 }), (models, fallback) => {
        const built = buildRoute(routeOptions.parse({ strategy: "best", models, fallback }));
        const shown = (entries: readonly (string | { agree: string[] })[]) => [
          ...new Set(entries.map((each) => (typeof each === "string" ? each : each.agree.join("+")))),
        ];
        expect(built.steps.map((step) => step.models.join("+"))).toEqual(shown(models));
        expect(built.fallback.map((step) => step.models.join("+"))).toEqual(shown(fallback));
      }),
    );
  });
});

describe("a slip in a route", () => {
  it.each([
    ["{ models: [] }", "models: needs at least 1"],
    ["[]", ": needs at least 1"],
    ["p/a", ": must be a mapping or a list, not text"],
    ["[ p/a, { model: q/b, weight: 2 } ]", "[1].weight: counts only"],
    ["{ models: [p/a], fallback: [{ model: q/b, weight: 2 }] }", "fallback[0].weight: counts only"],
    ["{ strategy: { simple: [p/a], complex: [{ model: q/b, weight: 2 }] } }", "strategy.complex[0].weight: counts only"],
    ["{ strategy: cheapest }", "models: is missing"],
    ["{ models: [p/a], fallbacks: [q/b] }", 'fallbacks: unknown option; did you mean "fallback"?'],
    ["{ strategy: cheepest, models: [p/a] }", "strategy: must be one of: ordered, cheapest"],
    ["{ strategy: {}, models: [p/a] }", "strategy: must be one of"],
    ["{ strategy: { balanced: {} }, models: [p/a] }", "strategy.balanced: needs a weight above 0"],
    ["{ strategy: { simple: [p/a] } }", "strategy.complex: is missing"],
    ["{ strategy: { simple: [p/a], complex: [q/b] }, models: [r/c] }", "models: beside models by complexity"],
    [
      "{ strategy: { simple: [p/a], medium: [r/c], complex: [q/b], limits: { simple: 0.7 } } }",
      "strategy.limits: the limit of `simple` (0.7)",
    ],
    [
      "{ strategy: { simple: [p/a], complex: [q/b], limits: { medium: 0.7 } } }",
      "strategy.limits.medium: is a limit of a band that isn't there",
    ],
    ["{ models: [p/a, { model: q/b, weight: 2 }] }", "models[1].weight: counts only for `models` with `strategy: weighted`"],
    ["{ strategy: weighted, models: [{ model: q/b, weight: 0 }] }", "models[0].weight: must be above 0"],
    ["[ p/a, { agree: [q/b] } ]", "[1].agree: needs at least 2"],
    ["[ { agree: [q/b, q/b] } ]", "[0].agree: names a model twice"],
    ["[ { agree: [p/a, q/b], need: 3 } ]", "[0].need: is above the 2 models"],
    ["[ { model: p/a, on: label } ]", "[0].on: counts only beside `agree`"],
    ["[ { on: label } ]", "[0]: is neither"],
    ["[ { model: p/a, agree: [p/a, q/b] } ]", "[0].agree: beside `model`"],
    ["{ models: [p/a], quality: { p/b: 0.9 } }", 'quality["p/b"]: is not a model of this route'],
    ["{ models: [p/a], quality: { p/a: 95 } }", 'quality["p/a"]: must be at most 1'],
    ["{ models: [p/a], spill: soon }", 'spill: "soon" isn\'t a duration'],
    ["{ models: p/a }", "models: "],
  ])("is told with its place: %s", (yaml, expected) => {
    const found = slips(yaml);
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n")).toContain(expected);
  });
});
