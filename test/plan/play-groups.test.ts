import { describe, expect, it } from "vitest";
import { playGroups, type Choice, type GroupStep, type WayRows } from "../../src/plan/play-groups.ts";
import type { GroupCalls } from "../../src/plan/group-calls.ts";
import type { Limits, ModelSpec, ProviderSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { NO_CHARGE } from "../../src/limits/charging.ts";
import { NO_PARTS } from "../../src/plan/plan.ts";
import { exactly } from "../../src/plan/spread.ts";
import { modelSpec } from "../routing/specs.ts";

const [A, B, J] = ["v/a", "v/b", "v/j"] as const satisfies readonly ModelId[];
const IN_ORDER: Choice = { kind: "in-order" };
const SOONEST: Choice = { kind: "soonest" };
const DAY_MS = 86_400_000;

function calls(model: ModelId, { purpose = "answer", requests = 1 }: Partial<Pick<GroupCalls, "purpose" | "requests">> = {}): GroupCalls {
  return {
    model,
    purpose,
    requests,
    answers: requests,
    inputTokens: 100,
    outputTokens: 20,
    costNanoUsd: 1,
    charge: { ...NO_CHARGE, rpm: 1, rpd: 1, tpm: 100 },
    knowledge: {
      model,
      answerRate: 1,
      inputFactor: 1,
      inputMore: 0,
      inputScale: exactly(1),
      outputTokens: exactly(20),
      parts: NO_PARTS,
      latenciesMs: [500],
      latencyScale: exactly(1),
    },
  };
}

const step = (...of: readonly GroupCalls[]): GroupStep => ({ reach: 1, calls: of });
const rowsBy = (rows: number, ways: WayRows["ways"], changes: Partial<WayRows> = {}): WayRows => {
  return { rows, ways, firsts: ways.length, shares: undefined, ...changes };
};

function played(groups: readonly WayRows[], limits: Readonly<Partial<Record<ModelId, Limits>>>, choice = IN_ORDER, windowRows = 5_000) {
  const specs = Object.entries(limits).map(([id, own]): ModelSpec => modelSpec(id as ModelId, { limits: own }));
  const provider: ProviderSpec = { name: "v", kind: "openai", apiKey: "none", limits: {}, models: specs };
  const fleet = {
    models: new Map(specs.map((spec) => [spec.id, spec])),
    providers: new Map([["v", provider]]),
    queues: { windowRows },
  };
  return playGroups(groups, { level: "expected", choice, fleet, seen: { vendorLimits: new Map(), paces: new Map() } });
}

const offBy = (found: number, byHand: number) => Math.abs(found / byHand - 1);

describe("the time of a plan", () => {
  it("goes by a day's requests where there are more calls, however fast the first of them go", () => {
    const limits = { [A]: { rpm: 1_000, rpd: 10_000 } };
    for (const rows of [12_000, 50_000]) {
      const { timeMs, boundBy, isRateBound } = played([rowsBy(rows, [[step(calls(A))]])], limits);
      expect(offBy(timeMs, ((rows - 10_000) / 10_000) * DAY_MS)).toBeLessThan(0.01);
      expect({ boundBy, isRateBound }).toEqual({ boundBy: "v/a: rpd", isRateBound: true });
    }
  });

  it("is not slowed by a day's requests that are enough", () => {
    for (const rows of [5_000, 10_000]) {
      const group = rowsBy(rows, [[step(calls(A))]]);
      const found = played([group], { [A]: { rpm: 1_000, rpd: 10_000 } });
      expect(found).toEqual(played([group], { [A]: { rpm: 1_000 } }));
      expect(found.boundBy).toBe("v/a: rpm");
    }
  });

  it("goes by a day's requests of a later step, which only some rows come to", () => {
    const way = [
      { reach: 1, calls: [calls(A)] },
      { reach: 0.5, calls: [calls(B, { requests: 0.5 })] },
    ];
    const { timeMs, boundBy } = played([rowsBy(3_000, [way])], { [A]: { rpm: 1_000 }, [B]: { rpd: 1_000 } });
    expect(offBy(timeMs, 0.5 * DAY_MS)).toBeLessThan(0.01);
    expect(boundBy).toBe("v/b: rpd");
  });

  it("of rows that go to whoever is free leaves to others what is beyond a model's day", () => {
    const ways = [[step(calls(A))], [step(calls(B))]];
    const { timeMs, taken } = played([rowsBy(20_000, ways)], { [A]: { rpm: 600, rpd: 2_000 }, [B]: { rpm: 600 } }, SOONEST);
    expect(taken[0]![0]).toBeGreaterThan(2_000);
    expect(taken[0]![0]).toBeLessThan(2_300);
    // Not days: what the other takes, and those few that wait for the next day's requests already.
    expect(timeMs).toBeLessThan(2.5 * (18_000 / 600) * 60_000);
  });

  it("of rows of which a model is asked first how hard they are is that of both models that are free to take them", () => {
    const limits = { [A]: { rpm: 600 }, [B]: { rpm: 600 }, [J]: {} };
    const asked = (model: ModelId) => [step(calls(J, { purpose: "analyse" }), calls(model))];
    const plain = played([rowsBy(2_000, [[step(calls(A))], [step(calls(B))]])], limits, SOONEST);
    const analysed = played([rowsBy(2_000, [asked(A), asked(B)])], limits, SOONEST);
    expect(offBy(analysed.timeMs, plain.timeMs)).toBeLessThan(0.05);
    expect(offBy(analysed.taken[0]![0]!, 1_000)).toBeLessThan(0.05);
  });

  it("holds the analysis of every row, whatever it says", () => {
    const asked = (model: ModelId) => [step(calls(J, { purpose: "analyse" }), calls(model))];
    const group = rowsBy(400, [asked(A), asked(B)], { shares: [0.25, 0.75] });
    const { timeMs, taken, boundBy } = played([group], { [A]: {}, [B]: {}, [J]: { rpm: 600 } });
    expect(offBy(timeMs, 40_000)).toBeLessThan(0.05);
    expect(taken).toEqual([[100, 300]]);
    expect(boundBy).toBe("v/j: rpm");
  });

  it("of no rows is none, and bound by nothing", () => {
    for (const groups of [[], [rowsBy(0, [[step(calls(A))]])]]) {
      expect(played(groups, { [A]: { rpm: 600 } })).toMatchObject({ timeMs: 0, boundBy: "no calls", isRateBound: false });
    }
  });

  it("goes by how many rows are in the queue at once: what comes back waits behind them", () => {
    // Where the second calls of some wait behind the first ones of all others, the third model has its work late.
    const way = [step(calls(A)), step(calls(B)), step(calls(J))];
    const limits = { [A]: { rpm: 60_000 }, [B]: { rpm: 3_600 }, [J]: { rpm: 600 } };
    const groups = [rowsBy(600, [way]), rowsBy(3_000, [[step(calls(B))]])];
    const [few = 0, more = 0, all = 0] = [100, 1_000, 6_000].map((windowRows) => played(groups, limits, IN_ORDER, windowRows).timeMs);
    expect(few).toBeLessThan(75_000);
    expect(more).toBeGreaterThan(few * 1.1);
    expect(all).toBeGreaterThan(more * 1.2);
  });
});
