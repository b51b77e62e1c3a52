// A plan for a vendor whose limits nobody configured: what it bears is known from a former run, in which it refused calls.

import { afterEach, describe, expect, it } from "vitest";
import { classifyRows, toJsonl } from "../support/classify.ts";
import { expectClose, startPlanFleet, ticketVendors, type PlanFleet } from "../support/plan-fleet.ts";

let of: PlanFleet | undefined;
afterEach(async () => {
  await of?.fleet.stop();
  of = undefined;
});

describe("a plan for a vendor with limits that nobody told", { timeout: 180_000 }, () => {
  it("is bound by the pace at which it refused calls of a former run", async () => {
    const rows = classifyRows(260);
    const model = { kind: "openai-compatible", vendorLimits: { rpm: 600 }, latency: { baseMs: 300, jitterMs: 200 } } as const;
    of = await startPlanFleet({ ...ticketVendors(rows, { "a/one": model }, { route: ["a/one"] }), rows: toJsonl(rows.slice(160)) });
    const blind = await of.plan();
    expect(blind.own.boundBy).not.toContain("refusals");
    await of.fleet.file("former.jsonl", toJsonl(rows.slice(0, 160)));
    await of.run("former", "former.jsonl");
    const { own } = await of.plan();
    expect(own.boundBy).toBe("a/one: refusals");
    const real = await of.run("real");
    expect(real.timeMs).toBeGreaterThanOrEqual(own.timeMs.low);
    expect(real.timeMs).toBeLessThanOrEqual(own.timeMs.high);
    expectClose(own, real, { time: 0.4 });
  });
});
