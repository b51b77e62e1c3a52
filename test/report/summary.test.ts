import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/job/ledger.ts";
import { UsageError } from "../../src/job/errors.ts";
import type { ModelId } from "../../src/job/names.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { addLatency, createLatencyHistogram, latencyQuantile } from "../../src/report/latency-histogram.ts";
import { renderText } from "../../src/report/render-text.ts";
import { createSummary } from "../../src/report/summary.ts";
import { answered, failed, trailEntry } from "../results/sample-results.ts";

const RESULTS = [
  answered(0, { enqueuedAt: 1_000, finishedAt: 3_000 }),
  answered(1, {
    enqueuedAt: 1_500,
    finishedAt: 61_000,
    reroutes: 1,
    model: "big/model",
    trail: [
      trailEntry({ outcome: "throttled", costNanoUsd: 0, usage: NO_USAGE }),
      trailEntry({ outcome: "uncertain" }),
      trailEntry({ model: "big/model", costNanoUsd: 50_000_000, latencyMs: 4_000 }),
    ],
  }),
  failed(2, { error: { code: "bad-input", message: "broken JSON" } }),
  failed(3, { error: { code: "refused", message: "no" }, trail: [trailEntry({ outcome: "refused", isEstimated: true })] }),
  failed(4, { error: { code: "bad-input", message: "broken JSON" } }),
];

function summaryOf(results = RESULTS) {
  const builder = createSummary({ expect: (result) => (result.row > 2 ? undefined : result.row === 0) });
  for (const result of results) {
    builder.add(result);
    for (const entry of ledgerEntries(result, false)) builder.addCall(entry);
  }
  return builder.read();
}

describe("the summary of a batch", () => {
  it("refuses sums that are too large to be counted to the nano-dollar, of one model and of all", () => {
    const most = (call: string, model: ModelId, costNanoUsd: number) => {
      return ledgerEntries(answered(0, { trail: [trailEntry({ call, model, costNanoUsd })] }), false)[0]!;
    };
    for (const model of ["a/one", "a/two"] as const) {
      const builder = createSummary();
      const addUp = () => {
        builder.addCall(most("0", "a/one", Number.MAX_SAFE_INTEGER));
        builder.addCall(most("1", model, 1));
        return builder.read();
      };
      expect(addUp).toThrow(UsageError);
    }
  });

  it("counts rows, errors, reroutes, calls and costs", () => {
    const { models, usage, ...rest } = summaryOf();
    expect(rest).toEqual({
      rows: 5,
      answered: 2,
      failed: 3,
      errors: [
        { code: "bad-input", rows: 2 },
        { code: "refused", rows: 1 },
      ],
      rerouted: 1,
      calls: 5,
      uncertainCalls: 1,
      costNanoUsd: 50_000_000 + 3 * 1_234_567,
      estimatedNanoUsd: 2 * 1_234_567,
      wallMs: 60_000,
      accuracy: { checked: 3, right: 1 },
    });
    expect(usage).toMatchObject({ inputTokens: 400, outputTokens: 80 });
    expect(models).toMatchObject([
      {
        model: "big/model",
        calls: 1,
        answered: 1,
        failed: 0,
        throttled: 0,
        costNanoUsd: 50_000_000,
        p50LatencyMs: 4_000,
        p95LatencyMs: 4_000,
      },
      { model: "acme/small", calls: 4, answered: 1, failed: 3, throttled: 1, costNanoUsd: 3_703_701, p50LatencyMs: 250 },
    ]);
  });

  it("has what earlier rounds and refused seconds cost, by the ledger", () => {
    const builder = createSummary();
    const last = answered(0, { round: 1, trail: [trailEntry({ call: "0.3", costNanoUsd: 100 })] });
    builder.add(last);
    for (const [result, isExtra] of [
      [failed(0, { trail: [trailEntry({ call: "0.1", outcome: "unfit", costNanoUsd: 900 })] }), false],
      [last, false],
      [answered(0, { trail: [trailEntry({ call: "0.2", model: "big/model", costNanoUsd: 7 })] }), true],
    ] as const)
      for (const entry of ledgerEntries(result, isExtra)) builder.addCall(entry);
    expect(builder.read()).toMatchObject({ rows: 1, answered: 1, calls: 3, costNanoUsd: 1_007 });
    expect(builder.read().models.map(({ model, calls }) => [model, calls])).toEqual([
      ["acme/small", 2],
      ["big/model", 1],
    ]);
  });

  it("is all zeros without rows, and has no accuracy where nothing was expected", () => {
    expect(createSummary().read()).toMatchObject({
      rows: 0,
      calls: 0,
      costNanoUsd: 0,
      wallMs: 0,
      models: [],
      errors: [],
      accuracy: undefined,
    });
  });

  it("reads well on a terminal", () => {
    expect(renderText(summaryOf(), { title: "batch tickets" })).toMatchInlineSnapshot(`
      "batch tickets

        rows               5
        answered           2  40.0 %
        failed             3  60.0 %
        rerouted           1  20.0 %
        calls              5  1 cut off, perhaps paid twice
        tokens           480  400 in, 80 out
        cost         $0.0537  $0.0269 per answer, $0.0025 of it estimated
        time      1 min 00 s  0.1/s rows
        accuracy      33.3 %  1 of 3 right

      errors
        bad-input  2
        refused    1

        model       calls  answered  failed  429  tokens in  tokens out     p50     p95     cost
        big/model       1         1       0    0        100          20   4.0 s   4.0 s  $0.0500
        acme/small      4         1       3    1        300          60  250 ms  250 ms  $0.0037"
    `);
  });

  it("is shown without tables when there is nothing to show", () => {
    expect(renderText(createSummary().read())).toMatch(/^ {2}rows +0\n/);
  });
});

describe("latencies", () => {
  it("quantiles are within five per cent of the exact ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 1),
        (latencies, fraction) => {
          const histogram = createLatencyHistogram();
          latencies.forEach((latency) => addLatency(histogram, latency));
          const exact = latencies.toSorted((a, b) => a - b)[Math.ceil(fraction * latencies.length) - 1] as number;
          expect(Math.abs((latencyQuantile(histogram, fraction) as number) - exact)).toBeLessThanOrEqual(exact * 0.05 + 1);
        },
      ),
    );
    expect(latencyQuantile(createLatencyHistogram(), 0.5)).toBeUndefined();
  });

  it("are told the same by few and by many different ones", () => {
    const histogram = createLatencyHistogram();
    // Three hundred buckets of the same size: the middle of them is the geometric mean of the ends.
    for (let i = 0; i < 300; i++) addLatency(histogram, 1.05 ** i);
    for (const [fraction, exact] of [
      [0.01, 1.05 ** 2],
      [0.5, 1.05 ** 149],
      [0.95, 1.05 ** 284],
      [1, 1.05 ** 299],
    ] as const) {
      expect(Math.abs(latencyQuantile(histogram, fraction)! - exact)).toBeLessThanOrEqual(exact * 0.05 + 1);
    }
  });
});
