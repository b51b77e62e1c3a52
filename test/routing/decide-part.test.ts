import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/job/outcome.ts";
import { decidePart } from "../../src/routing/decide-part.ts";
import { taskSpec } from "./specs.ts";

const task = taskSpec();
const answer = { text: "yes", finish: { unified: "stop", raw: "stop" } } as const;
const transient: Outcome = { kind: "transient", reason: "HTTP 500" };
const half = () => 0.5;

describe("decidePart", () => {
  it("a throttled call is made again after its wait, without spending an attempt", () => {
    const outcome: Outcome = { kind: "throttled", waitMs: 30_000, source: "vendor", reason: "429" };
    expect(decidePart(task, "a/1", 99, outcome, half)).toEqual({ kind: "again", waitMs: 30_000, countsAttempt: false });
  });

  it("a wait above 30 seconds makes the model unavailable instead", () => {
    const outcome: Outcome = { kind: "throttled", waitMs: 30_001, source: "vendor", reason: "429" };
    expect(decidePart(task, "a/1", 0, outcome, half)).toEqual({
      kind: "over",
      outcome: { kind: "unavailable", scope: "model", reason: "a/1 asks for a wait: 429", openForMs: 30_001 },
    });
    expect(decidePart(task, "a/1", 0, { kind: "transient", reason: "503", retryAfterMs: 30_001 }, half)).toMatchObject({
      kind: "over",
      outcome: { kind: "unavailable", scope: "model", openForMs: 30_001 },
    });
  });

  it("a transient failure is tried again with growing waits until the attempts are used up", () => {
    const waits = [0, 1, 2].map((soFar) => decidePart(task, "a/1", soFar, transient, half));
    expect(waits).toEqual([750, 1_500, 3_000].map((waitMs) => ({ kind: "again", waitMs, countsAttempt: true })));
    expect(decidePart(task, "a/1", 3, transient, half)).toEqual({ kind: "over", outcome: transient });
    expect(decidePart({ ...task, attempts: 1 }, "a/1", 0, transient, half)).toMatchObject({ kind: "over" });
  });

  it("a transient failure waits at least as long as the vendor asks, and at most 30 seconds", () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.nat(30_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (soFar, retryAfterMs, random) => {
          const outcome: Outcome = { kind: "transient", reason: "overloaded", retryAfterMs };
          const decision = decidePart({ ...task, attempts: 100 }, "a/1", soFar, outcome, () => random);
          const waitMs = decision.kind === "again" ? decision.waitMs : Number.NaN;
          expect(waitMs).toBeGreaterThanOrEqual(Math.max(500, retryAfterMs));
          expect(waitMs).toBeLessThanOrEqual(30_000);
        },
      ),
    );
  });

  it("every other outcome is the part's last word", () => {
    const others: readonly Outcome[] = [
      { kind: "answered", answer },
      { kind: "unavailable", scope: "provider", reason: "insufficient quota" },
      { kind: "unfit", cause: "context", reason: "too long" },
      { kind: "unfit", cause: "check", reason: "it is no JSON", onFail: "repair", answer },
      { kind: "refused", reason: "content filter" },
      { kind: "invalid", reason: "400" },
      { kind: "expired", reason: "deadline" },
      { kind: "cancelled", reason: "batch" },
    ];
    for (const outcome of others) expect(decidePart(task, "a/1", 0, outcome, half)).toEqual({ kind: "over", outcome });
  });
});
