import { describe, expect, it } from "vitest";
import type { ModelStatus } from "../../queues/fleet-status.ts";
import { modelTable } from "../../scripts/model-table.ts";
import type { LimitUse } from "../../src/limits/limit-use.ts";

const NOW = 1_800_000_000_000;

function modelStatus({ use = {}, ...changes }: Partial<Omit<ModelStatus, "use">> & { readonly use?: Partial<LimitUse> } = {}): ModelStatus {
  return {
    model: "openai/gpt-5-mini",
    isConfigured: true,
    isPriced: true,
    breaker: { kind: "closed" },
    slots: 40,
    waiting: 0,
    active: 0,
    delayed: 0,
    parkedMs: 0,
    calls: 0,
    costNanoUsd: 0,
    ...changes,
    use: { dimensions: [], callsPerMinute: 0, inFlight: 0, heldUntil: 0, ...use },
  };
}

/** The table's first row by its heading: columns are two blanks apart at least. */
function rowOf(model: ModelStatus): Readonly<Record<string, string>> {
  const [head = "", row = ""] = modelTable([model], NOW).split("\n");
  const names = head.split(/ {2,}/);
  const cells = row.split(/ {2,}/);
  expect(cells).toHaveLength(names.length);
  return Object.fromEntries(names.map((name, i) => [name, cells[i]!]));
}

describe("the table of models", () => {
  it("shows the dimension nearest to its limit, the rate, and the calls in flight of all slots", () => {
    const dimensions = [
      { dimension: "tpm", limit: 2_000_000, isVendors: false, taken: 500_000 },
      { dimension: "rpm", limit: 10_000, isVendors: false, taken: 9_800 },
    ] as const;
    expect(rowOf(modelStatus({ use: { dimensions, callsPerMinute: 9_800.4, inFlight: 31 }, waiting: 1_000, delayed: 234 }))).toMatchObject({
      model: "openai/gpt-5-mini",
      breaker: "closed",
      "limit use": "98 % rpm",
      slowed: "–",
      "per min": "9,800",
      "in flight": "31/40",
      waiting: "1,234",
    });
  });

  it("shows rare calls by tenths, and those long ago not at all", () => {
    expect(rowOf(modelStatus({ use: { callsPerMinute: 3.14 } }))["per min"]).toBe("3.1");
    expect(rowOf(modelStatus({ use: { callsPerMinute: 1e-9 } }))["per min"]).toBe("0");
  });

  it("shows how long the vendor holds a model, by its queue or by its permits", () => {
    expect(rowOf(modelStatus({ use: { heldUntil: NOW + 12_000 } })).slowed).toBe("held 12.0 s");
    expect(rowOf(modelStatus({ parkedMs: 3_400 })).slowed).toBe("held 3.4 s");
    expect(rowOf(modelStatus({ use: { heldUntil: NOW - 1 } })).slowed).toBe("–");
  });

  it("shows the pace that refusals taught", () => {
    expect(rowOf(modelStatus({ use: { pacePerMinute: 419.7 } })).slowed).toBe("paced 420/min");
  });

  it("shows how long a breaker stays open, and why below the table, once for all models of the same reason", () => {
    const breaker = { kind: "open", reason: "12 of the last 20 calls failed", openUntil: NOW + 3_400, openings: 1 } as const;
    const text = modelTable([modelStatus({ breaker }), modelStatus({ breaker, model: "openai/gpt-5" })], NOW);
    expect(text).toContain("  open 3.4 s  ");
    expect(text.split("\n").slice(3)).toEqual(["  openai/gpt-5-mini, openai/gpt-5: 12 of the last 20 calls failed", ""]);
  });

  it("shows long times in whole minutes", () => {
    expect(rowOf(modelStatus({ parkedMs: 571_000 })).slowed).toBe("held 10 min");
    expect(rowOf(modelStatus({ parkedMs: 3 * 3_600_000 })).slowed).toBe("held 3 h 00 min");
  });

  it("shows of a model that isn't configured only what the batches took", () => {
    const row = rowOf(modelStatus({ isConfigured: false, isPriced: false, slots: 0, calls: 7 }));
    expect(row).toMatchObject({ breaker: "–", "limit use": "–", "in flight": "–", calls: "7", cost: "no price" });
  });

  it("fits 120 columns at a large fleet's numbers", () => {
    const busy = modelStatus({
      model: "anthropic/claude-haiku-4-5",
      breaker: { kind: "open", reason: "x".repeat(500), openUntil: NOW + 594_000, openings: 1 },
      use: {
        dimensions: [{ dimension: "itpm", limit: 100, isVendors: false, taken: 100 }],
        callsPerMinute: 30_000,
        inFlight: 512,
        pacePerMinute: 12_345,
      },
      slots: 1_024,
      waiting: 2_500,
      calls: 1_234_567,
      costNanoUsd: 1_234_560_000_000,
    });
    for (const line of modelTable([busy], NOW).split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });
});
