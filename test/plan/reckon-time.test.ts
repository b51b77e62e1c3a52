import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import { reckonTime, type Lane, type Load } from "../../src/plan/reckon-time.ts";

const A: ModelId = "v/a";
const B: ModelId = "v/b";

function load(model: ModelId, calls: number, changes: Partial<Load> = {}): Load {
  return { model, depth: 0, calls, latencyMs: 0, slowLatencyMs: 0, amounts: { rpm: calls }, ...changes };
}

function perMinute(models: readonly ModelId[], limit: number): Lane {
  return { name: `${models.join("+")}: rpm`, models: new Set(models), rate: { amount: "rpm", perMs: limit / 60_000, burstMs: 0 } };
}

const timeOf = (loads: readonly Load[], lanes: readonly Lane[]) => reckonTime(loads, lanes).timeMs;

describe("the time of a plan", () => {
  it("is none without calls", () => {
    expect(timeOf([], [perMinute([A], 60)])).toBe(0);
  });

  it("is the busiest limit's, which is named", () => {
    const found = reckonTime([load(A, 120), load(B, 60)], [perMinute([A], 60), perMinute([B], 60)]);
    expect(found.boundBy).toBe("v/a: rpm");
    expect(found.timeMs).toBeCloseTo(120_000);
  });

  it("adds up what shares a limit", () => {
    expect(timeOf([load(A, 60), load(B, 60)], [perMinute([A], 120), perMinute([B], 120), perMinute([A, B], 60)])).toBeCloseTo(120_000);
  });

  it("takes off what may go at once, and adds the last call's own time", () => {
    const lane: Lane = { name: "x", models: new Set([A]), rate: { amount: "rpm", perMs: 60 / 60_000, burstMs: 500 } };
    expect(timeOf([load(A, 60, { latencyMs: 1_000, slowLatencyMs: 3_000 })], [lane])).toBeCloseTo(62_500);
  });

  it("goes by the calls in flight where those are limited", () => {
    expect(timeOf([load(A, 100, { latencyMs: 1_000 })], [{ name: "x", models: new Set([A]), concurrency: 10 }])).toBeCloseTo(10_000);
  });

  it("lets a second step run beside the first: the longer of both, and the way to it or from it", () => {
    const lanes = [perMinute([A], 600), perMinute([B], 60)];
    const first = load(A, 600, { latencyMs: 1_000, slowLatencyMs: 1_000 });
    const few = load(B, 6, { depth: 1, latencyMs: 2_000, slowLatencyMs: 2_000 });
    expect(timeOf([first, few], lanes)).toBeCloseTo(60_000 + 1_000 + 2_000);
    const many = load(B, 120, { depth: 1, latencyMs: 2_000, slowLatencyMs: 2_000 });
    expect(timeOf([first, many], lanes)).toBeCloseTo(1_000 + 120_000 + 2_000);
  });
});
