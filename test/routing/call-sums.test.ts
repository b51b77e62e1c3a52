import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addCalls, type CallSums, foldCalls, MOST_WEIGHT, NO_CALLS, sumsOf, toStats } from "../../src/routing/call-sums.ts";
import { bucketOf, LAST_BUCKET, quantile } from "../../src/routing/latency-histogram.ts";
import { ANSWERED, FAILED_CHECK, TIMED_OUT } from "../contracts/stats-contract.ts";

const USAGE = { inputTokens: 100, outputTokens: 20 };
const call = fc
  .record({ outcome: fc.constantFrom(ANSWERED, FAILED_CHECK, TIMED_OUT), latencyMs: fc.double({ min: 0, max: 1e7, noNaN: true }) })
  .map(({ outcome, latencyMs }) => sumsOf({ outcome, latencyMs, usage: USAGE, costNanoUsd: 5 })!);
const portion = fc.array(call, { minLength: 1, maxLength: 800 }).map((calls) => calls.reduce(addCalls, NO_CALLS));

describe("what calls come to", () => {
  it("an answer that fails its check is an answer; a call without one is not; a row that the model may not take is neither", () => {
    const of = (outcome: Parameters<typeof sumsOf>[0]["outcome"]) => sumsOf({ outcome, latencyMs: 1, usage: USAGE, costNanoUsd: 1 });
    expect(of(ANSWERED)).toMatchObject({ calls: 1, answers: 1, passed: 1 });
    expect(of(FAILED_CHECK)).toMatchObject({ calls: 1, answers: 1, passed: 0 });
    for (const outcome of [
      TIMED_OUT,
      { kind: "refused", reason: "filter" },
      { kind: "unavailable", scope: "model", reason: "503" },
      { kind: "unfit", cause: "cut-off", reason: "length" },
    ] as const) {
      expect(of(outcome)).toMatchObject({ calls: 1, answers: 0, passed: 0 });
    }
    for (const cause of ["context", "capability", "policy"] as const) expect(of({ kind: "unfit", cause, reason: "" })).toBeUndefined();
    expect(of({ kind: "expired", reason: "" })).toBeUndefined();
  });

  it("weighs five hundred calls at most, and its parts stay in proportion", () => {
    fc.assert(
      fc.property(fc.array(portion, { minLength: 1, maxLength: 12 }), (portions) => {
        const sums = portions.reduce(foldCalls, NO_CALLS);
        expect(sums.calls).toBeLessThanOrEqual(MOST_WEIGHT + 1e-6);
        expect(sums.answers).toBeLessThanOrEqual(sums.calls + 1e-6);
        expect(sums.passed).toBeLessThanOrEqual(sums.answers + 1e-6);
        const timed = [...sums.latencies.values()].reduce((a, b) => a + b, 0);
        expect(timed).toBeCloseTo(sums.answers, 6);
        const { passRate, answerRate } = toStats(sums);
        for (const rate of [passRate, answerRate]) expect(rate >= 0 && rate <= 1 + 1e-9).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("is nearly the same in whatever portions it comes", () => {
    const calls = Array.from({ length: 300 }, (_, i) =>
      sumsOf({ outcome: i % 3 ? ANSWERED : FAILED_CHECK, latencyMs: i, usage: USAGE, costNanoUsd: 5 })!,
    );
    const oneByOne = calls.reduce(foldCalls, NO_CALLS);
    const inTens = Array.from({ length: 30 }, (_, i) => calls.slice(i * 10, i * 10 + 10).reduce(addCalls, NO_CALLS)).reduce(
      foldCalls,
      NO_CALLS,
    );
    expect(inTens.calls / oneByOne.calls).toBeCloseTo(1, 1);
    expect(toStats(inTens).passRate).toBeCloseTo(toStats(oneByOne).passRate, 2);
  });
});

describe("the histogram of latencies", () => {
  it("puts every latency into a bucket, longer ones never into an earlier one", () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (a, b) => {
        const bucket = bucketOf(a);
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket <= LAST_BUCKET).toBe(true);
        expect(!(a <= b) || bucket <= bucketOf(b)).toBe(true);
      }),
    );
  });

  it("gives quantiles within an eighth of the true ones", () => {
    const latencies = fc.array(fc.double({ min: 20, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(latencies, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (values, share) => {
        const sums: CallSums = values
          .map((latencyMs) => sumsOf({ outcome: ANSWERED, latencyMs, usage: USAGE, costNanoUsd: 5 })!)
          .reduce(addCalls, NO_CALLS);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(values.length * share - 1e-9) - 1)]!;
        const ratio = quantile(sums.latencies, share) / exact;
        expect(ratio).toBeGreaterThan(1 / 1.126);
        expect(ratio).toBeLessThan(1.126);
      }),
    );
  });
});
