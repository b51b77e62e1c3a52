import { describe, expect, it } from "vitest";
import { cutOffEntry, estimateAnew, madeEntry } from "../../src/attempt/trail-entry.ts";
import type { Price } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Outcome } from "../../src/job/outcome.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { CallReport } from "../../src/providers/provider.ts";
import { modelSpec } from "../routing/specs.ts";

const price = (input: number, output: number): Price => ({ input, cachedInput: input, cacheWrite: input, output });
const PRICE = price(1_000_000, 4_000_000);

function entry(changes: Partial<TrailEntry> & { readonly tokens?: readonly [number, number] } = {}): TrailEntry {
  const { tokens: [inputTokens, outputTokens] = [10, 20], ...rest } = changes;
  return {
    call: "b.0.0.0.1~a",
    model: "a/one",
    purpose: "answer",
    outcome: "answered",
    startedAt: 0,
    latencyMs: 1,
    usage: { ...NO_USAGE, inputTokens, outputTokens },
    price: PRICE,
    costNanoUsd: inputTokens * 1_000 + outputTokens * 4_000,
    ...rest,
  };
}

const uncertain = (model: ModelId = "a/one", changes: Partial<TrailEntry> = {}) =>
  entry({ model, outcome: "uncertain", tokens: [12, 256], ...changes });

describe("a call that was cut off", () => {
  it("is booked at what is expected of it by now, not at what was reserved for it then", () => {
    const call = { id: "b.0.0.0.1", model: modelSpec("a/one", { price: PRICE }), purpose: "answer" } as const;
    const lost = { permit: "p", startedAt: 5 };
    expect(cutOffEntry({ ...call, tokens: { inputTokens: 12, likelyOutputTokens: 30 } }, lost)).toMatchObject({
      call: "b.0.0.0.1~p",
      outcome: "uncertain",
      usage: { inputTokens: 12, outputTokens: 30 },
      costNanoUsd: 12 * 1_000 + 30 * 4_000,
    });
  });

  it("is taken to have used what the same model uses when it is asked again", () => {
    const told = entry({ tokens: [10, 20] });
    const [first, second] = estimateAnew([uncertain("a/one", { call: "b.0.0.0.1~z" }), told]);
    expect(first).toMatchObject({ call: "b.0.0.0.1~z", outcome: "uncertain", usage: told.usage, costNanoUsd: told.costNanoUsd });
    expect(second).toEqual(told);
  });

  it("is no shorter than another model's answer to the same, at its own price", () => {
    const dear = uncertain("b/two", { price: price(2_000_000, 8_000_000) });
    expect(estimateAnew([dear, entry({ tokens: [10, 600] })])[0]).toMatchObject({
      usage: { inputTokens: 12, outputTokens: 600 },
      costNanoUsd: 12 * 2_000 + 600 * 8_000,
    });
    expect(estimateAnew([dear, entry({ tokens: [10, 20] })])[0]).toMatchObject({ usage: dear.usage });
  });

  it("keeps its estimate where nothing new is told: another purpose, a failure, a refusal at the door", () => {
    for (const next of [
      entry({ purpose: "judge", tokens: [500, 900] }),
      entry({ outcome: "transient", tokens: [0, 0] }),
      entry({ outcome: "unfit", tokens: [0, 0] }),
      entry({ outcome: "refused", tokens: [0, 0] }),
      entry({ outcome: "uncertain", tokens: [1, 999] }),
      entry({ tokens: [10, 600], isEstimated: true }),
    ])
      expect(estimateAnew([uncertain(), next])).toEqual([uncertain(), next]);
  });

  it("changes nothing that the vendor told", () => {
    const told = entry({ outcome: "unfit", tokens: [11, 7] });
    expect(estimateAnew([told, entry({ tokens: [10, 600] })])[0]).toEqual(told);
  });
});

describe("a call that was answered", () => {
  const made = (report: Partial<CallReport>) =>
    madeEntry(
      {
        id: "b.0.0.0.1",
        task: "t",
        model: modelSpec("a/one", { price: PRICE }),
        purpose: "answer",
        request: { kind: "prompt", messages: [] },
        tokens: { inputTokens: 12, highInputTokens: 12, inputCharacters: 40, outputTokens: 99, likelyOutputTokens: 30 },
        timeoutMs: 1_000,
        check: (answer) => ({ kind: "passed", answer }),
      },
      "p",
      {
        report: { outcome: OUTCOMES.answered, limits: [], status: 200, billable: true, ...report },
        outcome: report.outcome ?? OUTCOMES.answered,
        startedAt: 0,
        endedAt: 1,
      },
    );
  const OUTCOMES = {
    answered: { kind: "answered", answer: { text: "yes", finish: { unified: "stop", raw: "stop" } } },
    unfit: { kind: "unfit", cause: "cut-off", reason: "cut off" },
    refused: { kind: "refused", reason: "no" },
    transient: { kind: "transient", reason: "its body can't be read" },
  } as const satisfies Record<string, Outcome>;

  it.each(["answered", "unfit", "refused"] as const)(
    "(%s) without a word of what it took is booked at what was expected, and marked",
    (kind) => {
      expect(made({ outcome: OUTCOMES[kind] })).toMatchObject({
        outcome: kind,
        isEstimated: true,
        usage: { inputTokens: 12, outputTokens: 30 },
        costNanoUsd: 12 * 1_000 + 30 * 4_000,
      });
    },
  );

  it("by something that can't be read is uncertain, which says it all", () => {
    const entry = made({ outcome: OUTCOMES.transient });
    expect(entry).toMatchObject({ outcome: "uncertain", usage: { inputTokens: 12, outputTokens: 30 } });
    expect(entry).not.toHaveProperty("isEstimated");
  });

  it("with what it took is exact, though it took nothing; and so is one that was turned away", () => {
    for (const report of [
      { usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 5 } },
      { usage: NO_USAGE },
      { status: 500, outcome: OUTCOMES.transient },
    ])
      expect(made(report)).not.toHaveProperty("isEstimated");
  });
});
