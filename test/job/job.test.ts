import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOver } from "../../src/job/batch.ts";
import { StoppedError, UsageError } from "../../src/job/errors.ts";
import { callId, queueJobId } from "../../src/job/job.ts";
import { ledgerEntries } from "../../src/job/ledger.ts";
import { ROW_LIMIT } from "../../src/job/names.ts";
import { freshProgress } from "../../src/job/progress.ts";
import { RETRYABLE } from "../../src/job/result.ts";
import { totalCostNanoUsd, totalUsage, type TrailEntry } from "../../src/job/trail.ts";
import { addUsage, NO_USAGE, type Usage } from "../../src/job/usage.ts";

const rowId = fc.record({ batch: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/), row: fc.nat(ROW_LIMIT - 1) });
const usage: fc.Arbitrary<Usage> = fc.record({
  inputTokens: fc.nat(),
  cachedInputTokens: fc.nat(),
  cacheWriteTokens: fc.nat(),
  outputTokens: fc.nat(),
  reasoningTokens: fc.nat(),
});

const idOf = ([row, hop, part, attempt]: [{ batch: string; row: number }, number, number, number]) =>
  callId(queueJobId(row, hop, part), attempt);

describe("queue job ids", () => {
  it("are `batch.row.hop.part`, with the attempt behind for a call", () => {
    expect(queueJobId({ batch: "b1", row: 7 }, 2)).toBe("b1.7.2.0");
    expect(callId(queueJobId({ batch: "b1", row: 7 }, 2, 1), 3)).toBe("b1.7.2.1.3");
  });

  it("never stand for two rows, hops, parts or attempts", () => {
    const call = fc.tuple(rowId, fc.nat(99), fc.nat(9), fc.integer({ min: 1, max: 99 }));
    fc.assert(
      fc.property(call, call, (a, b) => {
        expect(idOf(a) === idOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it("are none of the kind that BullMQ refuses: no colon, no plain integer", () => {
    fc.assert(
      fc.property(rowId, fc.nat(99), (row, hop) => {
        expect(queueJobId(row, hop)).not.toContain(":");
        expect(queueJobId(row, hop)).not.toMatch(/^\d+$/);
      }),
    );
  });
});

const entry = (part: Usage, costNanoUsd: number): TrailEntry => ({
  call: "b.0.0.0.1",
  model: "a/1",
  purpose: "answer",
  outcome: "uncertain",
  startedAt: 0,
  latencyMs: 1,
  usage: part,
  costNanoUsd,
});

describe("trails", () => {
  it("add up tokens of every kind and cost over all calls, the uncertain ones included", () => {
    fc.assert(
      fc.property(usage, usage, fc.nat(), fc.nat(), (a, b, costA, costB) => {
        const trail = [entry(a, costA), entry(b, costB)];
        expect(totalUsage(trail)).toEqual(addUsage(b, a));
        expect(totalCostNanoUsd(trail)).toBe(costA + costB);
      }),
    );
    expect(totalUsage([])).toEqual(NO_USAGE);
  });
});

describe("a ledger entry", () => {
  it("is marked as an estimate where its call never got an answer, and where the answer didn't say what it took", () => {
    const call = entry(NO_USAGE, 5);
    const trail: TrailEntry[] = [call, { ...call, outcome: "answered" }, { ...call, outcome: "answered", isEstimated: true }];
    const entries = ledgerEntries({ batch: "b", row: 0, task: "t", trail }, false);
    expect(entries.map(({ isEstimated }) => isEstimated)).toEqual([true, false, true]);
  });
});

describe("the rest of the vocabulary", () => {
  it("a job begins with nothing behind it", () => {
    expect(freshProgress(5)).toEqual({ trail: [], excluded: [], reroutes: 0, refusals: 0, enqueuedAt: 5 });
  });

  it("a batch is over when every result is stored", () => {
    expect((["open", "sealed", "finalizing", "finished", "cancelled"] as const).filter(isOver)).toEqual(["finished", "cancelled"]);
  });

  it("a retry can't mend the input", () => {
    expect(RETRYABLE.has("bad-input")).toBe(false);
    expect(RETRYABLE.has("invalid")).toBe(false);
    expect(RETRYABLE.has("lost")).toBe(true);
  });

  it("errors for the terminal carry a hint and their cause", () => {
    const cause = new Error("inner");
    expect(new UsageError("wrong", "do this", { cause })).toMatchObject({ name: "UsageError", message: "wrong", hint: "do this", cause });
    expect(new StoppedError("stopped")).toMatchObject({ name: "StoppedError", hint: undefined });
  });
});
