import { describe, expect, it } from "vitest";
import type { BatchInFleet } from "../../../queues/fleet-status.ts";
import { createCallCounters } from "../../../workers/web/call-counters.ts";

const batch = (name: string, calls: number, duplicateCalls = 0) =>
  ({ batch: name, duplicateCalls, models: { "a/one": { calls, costNanoUsd: 10 * calls } } }) as unknown as BatchInFleet;

describe("the counters of calls", () => {
  it("grow with the batches, each call counted once", () => {
    const count = createCallCounters();
    count([batch("x", 5, 1)]);
    const { models, duplicateCalls } = count([batch("y", 2), batch("x", 7, 2)]);
    expect(models.get("a/one")).toEqual({ calls: 9, costNanoUsd: 90 });
    expect(duplicateCalls).toBe(2);
  });

  it("never fall when a batch leaves Redis, and don't count it twice when it comes back", () => {
    const count = createCallCounters();
    count([batch("x", 5)]);
    expect(count([]).models.get("a/one")?.calls).toBe(5);
    expect(count([batch("x", 6)]).models.get("a/one")?.calls).toBe(6);
  });

  it("take a batch that was begun anew under its name for a new one", () => {
    const count = createCallCounters();
    count([batch("x", 5)]);
    expect(count([batch("x", 2)]).models.get("a/one")?.calls).toBe(7);
  });
});
