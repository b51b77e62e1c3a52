// Plans of routes whose rows take different ways, against the real run of the same file: by who would be done first, by who has room, by checks.

import { afterEach, describe, expect, it } from "vitest";
import { classifyRows, toJsonl } from "../support/classify.ts";
import { DEAR, expectClose, startPlanFleet, ticketVendors, type PlanFleet } from "../support/plan-fleet.ts";

let of: PlanFleet | undefined;
afterEach(async () => {
  await of?.fleet.stop();
  of = undefined;
});

const rpm = (requests: number) => ({ rpm: requests, tpm: 50_000_000 });
/** The vendors would bear more than the fleet is configured for. */
const WIDE = rpm(60_000);
const TIMES = { "a/one": { baseMs: 400, jitterMs: 200 }, "b/two": { baseMs: 800, jitterMs: 200 } };

/** At so many requests a minute. */
function twoModels(one: number, two: number) {
  return {
    "a/one": { limits: rpm(one), vendorLimits: WIDE, latency: TIMES["a/one"] },
    "b/two": { limits: rpm(two), vendorLimits: WIDE, latency: TIMES["b/two"], price: DEAR },
  };
}

describe("a plan of a route that rows take in different ways, after a former run of the same rows", { timeout: 180_000 }, () => {
  it("by who would be done first: shares them out by the limits of the models, whatever those were before", async () => {
    const rows = classifyRows(700);
    const task = { route: { strategy: "soonest", models: ["a/one", "b/two"] } };
    of = await startPlanFleet({ ...ticketVendors(rows, twoModels(2_000, 4_000), task), rows: toJsonl(rows) });
    await of.run("former");
    await of.configure(ticketVendors(rows, twoModels(2_000, 1_000), task).config);
    const { own, plan } = await of.plan();
    expect(plan.assumptions).toEqual([]);
    expect(own.models.find(({ model }) => model === "b/two")!.calls).toBeGreaterThan(180);
    expectClose(own, await of.run("real"));
  });

  it("that spills over to a fallback: counts those that don't wait for the first choice at the fallback's price", async () => {
    const rows = classifyRows(700);
    const task = { route: { strategy: "ordered", models: ["a/one"], fallback: ["b/two"], spill: "2s" } };
    of = await startPlanFleet({ ...ticketVendors(rows, twoModels(1_500, 1_500), task), rows: toJsonl(rows) });
    await of.run("former");
    await of.forget();
    const { own, plan } = await of.plan();
    expect(plan.assumptions).toEqual([]);
    expect(own.models.map(({ model }) => model).toSorted()).toEqual(["a/one", "b/two"]);
    expectClose(own, await of.run("real"));
  });

  it("by checks: counts the next model's calls for the rows that failed before, from the store alone", async () => {
    const rows = classifyRows(240);
    const models = (requests: number) => ({
      "a/one": { limits: rpm(requests), vendorLimits: WIDE, simulated: { flaws: { foreign: 0.3 } } },
      "b/two": { limits: rpm(requests), vendorLimits: WIDE, price: DEAR },
    });
    const task = { route: ["a/one", "b/two"], checks: [{ kind: "schema", onFail: "escalate" }] };
    of = await startPlanFleet({ ...ticketVendors(rows, models(3_000), task), rows: toJsonl(rows) });
    expect((await of.run("former")).calls).toBeGreaterThan(280);
    await of.configure(ticketVendors(rows, models(1_000), task).config);
    await of.forget();
    const { own, plan } = await of.plan();
    expect(plan.history).toMatchObject({ formerRows: 240, formerBatches: 1 });
    expect(plan.assumptions).toEqual([]);
    const real = await of.run("real");
    expect(own.calls.expected).toBe(real.calls);
    expectClose(own, real);
  });
});
