import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Price } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { buildRoute } from "../../src/routing/route.ts";
import { routeOptions } from "../../src/routing/route-options.ts";

const price = (input: number, output: number): Price => ({ input, output, cachedInput: input, cacheWrite: input });
const PRICES = new Map<ModelId, Price>([
  ["a/dear", price(3_000_000, 15_000_000)],
  ["b/cheap", price(150_000, 600_000)],
  ["c/middle", price(800_000, 4_000_000)],
  // Reads dearer than c/middle, writes cheaper; a typical call costs more.
  ["d/reader", price(2_000_000, 2_000_000)],
]);

function models(options: unknown): readonly (readonly ModelId[])[] {
  return buildRoute(routeOptions.parse(options), (id) => PRICES.get(id)).map((step) => step.models);
}

describe("buildRoute", () => {
  it("keeps the order as written, fallbacks last, unless told otherwise", () => {
    expect(models({ models: ["a/dear", "b/cheap"], fallback: ["c/middle"] })).toEqual([["a/dear"], ["b/cheap"], ["c/middle"]]);
  });

  it("puts the cheapest typical call first, and leaves the fallbacks in their order behind", () => {
    const options = { strategy: "cheapest", models: ["a/dear", "d/reader", "c/middle", "b/cheap"], fallback: ["a/dear", "b/cheap"] };
    expect(models(options)).toEqual([["b/cheap"], ["c/middle"], ["d/reader"], ["a/dear"], ["a/dear"], ["b/cheap"]]);
  });

  it("counts the price of every model of a step that must agree", () => {
    const options = { strategy: "cheapest", models: ["c/middle", { agree: ["b/cheap", "c/middle"] }] };
    expect(models(options)).toEqual([["c/middle"], ["b/cheap", "c/middle"]]);
  });

  it("puts unpriced models last, in the order given", () => {
    const options = { strategy: "cheapest", models: ["x/second", "a/dear", "x/first", { agree: ["b/cheap", "x/third"] }] };
    expect(models(options)).toEqual([["a/dear"], ["x/second"], ["x/first"], ["b/cheap", "x/third"]]);
  });

  it("carries the field to agree on", () => {
    const options = routeOptions.parse({ models: [{ agree: ["a/dear", "b/cheap"], on: "label" }] });
    expect(buildRoute(options, () => undefined)).toEqual([{ models: ["a/dear", "b/cheap"], agreeOn: "label" }]);
  });

  it("is a permutation that keeps equal prices in order", () => {
    const ids = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(ids, fc.array(fc.option(fc.nat(3)), { minLength: 12, maxLength: 12 }), (names, costs) => {
        const given = names.map((name): ModelId => `p/${name}`);
        const costOf = (id: ModelId) => costs[given.indexOf(id)] ?? Infinity;
        const priceOf = (id: ModelId) => (costOf(id) === Infinity ? undefined : price(costOf(id), costOf(id)));
        const options = routeOptions.parse({ strategy: "cheapest", models: given });
        const ordered = buildRoute(options, priceOf).flatMap((step) => step.models);
        const keys = (ids: readonly ModelId[]) => ids.map((id) => [costOf(id), given.indexOf(id)]);
        expect(ordered.toSorted()).toEqual(given.toSorted());
        expect(keys(ordered)).toEqual(keys(given).toSorted(([a = 0, i = 0], [b = 0, j = 0]) => (a === b ? i - j : a < b ? -1 : 1)));
      }),
    );
  });

  it("refuses a route without models and unknown options", () => {
    expect(routeOptions.safeParse({ models: [] }).success).toBe(false);
    expect(routeOptions.safeParse({ models: ["a/b"], fallbacks: [] }).success).toBe(false);
    expect(routeOptions.safeParse({ models: [{ agree: ["a/b"] }] }).success).toBe(false);
  });
});
