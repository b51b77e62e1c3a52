// The parts of `modelfleet pilot` that need no fleet: the sample, who takes part, what is compared, what an answer counts as, and the pace of spending.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPilotAnswer, type Comparing } from "../../scripts/pilot-answers.ts";
import { sampleOf } from "../../scripts/pilot-batch.ts";
import { chooseCandidates, namedModels, requirePrices } from "../../scripts/pilot-candidates.ts";
import { estimateCostNanoUsd } from "../../scripts/pilot-estimate.ts";
import { readPilotNumbers } from "../../scripts/pilot-options.ts";
import { createPilotPace } from "../../scripts/pilot-pace.ts";
import { drawSample, type SampledRow } from "../../scripts/pilot-sample.ts";
import { chooseAnswerField, chooseBasis, planTrials } from "../../scripts/pilot-trial.ts";
import type { Fleet } from "../../src/config/fleet.ts";
import type { Row } from "../../src/intake/row.ts";
import type { JsonObject } from "../../src/job/json.ts";
import type { ModelSpec } from "../../src/job/model.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import { answered, failed, trailEntry } from "../results/sample-results.ts";
import { modelSpec, routeSpec, taskSpec } from "../routing/specs.ts";

const PRICE = { input: 1_000_000, cachedInput: 1_000_000, cacheWrite: 1_000_000, output: 2_000_000 };

function goodRow(row: number, input: JsonObject): Row {
  return { kind: "good", row, line: row + 1, bytes: 10, digest: `${row}`, input };
}

async function* rowsOf(inputs: readonly (JsonObject | undefined)[]): AsyncGenerator<Row> {
  for (const [row, input] of inputs.entries()) {
    yield input ? goodRow(row, input) : { kind: "bad", row, line: row + 1, bytes: 1, digest: "bad", reason: "not JSON" };
  }
}

function texts(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, i) => ({ text: `row ${i}`, label: "x" }));
}

function sampled(inputs: readonly JsonObject[]): SampledRow[] {
  return inputs.map((input, row) => ({ row: goodRow(row, input) as SampledRow["row"] }));
}

function fleetOf(models: readonly ModelSpec[]): Pick<Fleet, "models"> {
  return { models: new Map(models.map((model) => [model.id, model])) };
}

describe("the sample", () => {
  it("is of the size asked for, without a row twice, and the same for the same seed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 80 }), fc.integer(), async (count, size, seed) => {
        const first = await drawSample(rowsOf(texts(count)), { size, seed });
        const again = await drawSample(rowsOf(texts(count)), { size, seed });
        const rows = first.rows.map(({ row }) => row.row);
        expect(rows).toHaveLength(Math.min(count, size));
        expect(new Set(rows).size).toBe(rows.length);
        expect(again.rows.map(({ row }) => row.row)).toEqual(rows);
      }),
    );
  });

  it("takes every row equally often, and puts every row first equally often", async () => {
    const draws = 4_000;
    const drawn = Array.from({ length: 10 }, () => 0);
    const first = Array.from({ length: 10 }, () => 0);
    for (let seed = 0; seed < draws; seed++) {
      const { rows } = await drawSample(rowsOf(texts(10)), { size: 3, seed });
      for (const { row } of rows) drawn[row.row]! += 1;
      first[rows[0]!.row.row]! += 1;
    }
    // Five standard deviations of a binomial count.
    const isNear = (seen: number, p: number) => Math.abs(seen - draws * p) < 5 * Math.sqrt(draws * p * (1 - p));
    expect(drawn.every((seen) => isNear(seen, 0.3))).toBe(true);
    expect(first.every((seen) => isNear(seen, 0.1))).toBe(true);
  });

  it("keeps no more rows than are drawn, however many there are", async () => {
    async function* many(): AsyncGenerator<Row> {
      for (let row = 0; row < 200_000; row++) yield goodRow(row, { text: "x".repeat(100), row });
    }
    const { rows, of } = await drawSample(many(), { size: 50, seed: 1 });
    expect(of).toBe(200_000);
    expect(rows).toHaveLength(50);
    expect(Math.max(...rows.map(({ row }) => row.row))).toBeGreaterThan(150_000);
  });

  it("leaves out rows that are bad or have no right answer, and counts them", async () => {
    const inputs: (JsonObject | undefined)[] = [
      { text: "a", label: "x" },
      undefined,
      { text: "b" },
      { text: "c", label: null },
      { text: "d", label: false },
    ];
    const sample = await drawSample(rowsOf(inputs), { size: 10, seed: 1, gold: "label" });
    expect(sample).toMatchObject({ of: 2, badRows: 1, rowsWithoutGold: 2 });
    expect(new Set(sample.rows.map(({ gold }) => gold))).toEqual(new Set([false, "x"]));
  });

  it("never shows the right answer to the models", async () => {
    const { rows } = await drawSample(rowsOf([{ text: "a", truth: { label: "x", by: "hand" } }]), {
      size: 1,
      seed: 1,
      gold: "truth.label",
    });
    expect(rows[0]!.gold).toBe("x");
    expect(rows[0]!.row.input).toEqual({ text: "a", truth: { by: "hand" } });
  });

  it("says why nothing can be drawn", async () => {
    await expect(drawSample(rowsOf([]), { size: 1, seed: 1 })).rejects.toThrow("no rows");
    await expect(drawSample(rowsOf([undefined]), { size: 1, seed: 1 })).rejects.toMatchObject({ hint: "line 1: not JSON." });
    await expect(drawSample(rowsOf(texts(1)), { size: 1, seed: 1, gold: "lable" })).rejects.toMatchObject({
      message: 'no row has the field "lable" with a right answer',
      hint: "line 1 has text, label.",
    });
  });
});

describe("the candidates", () => {
  const free = modelSpec("a/1", { price: PRICE, barredFor: { pii: null } });
  const barred = modelSpec("b/2", { price: PRICE, barredFor: { pii: "b trains on data" } });
  const small = modelSpec("c/3", { price: PRICE, contextWindow: 500, barredFor: { pii: null } });
  const models = [free, barred, small];

  it("are the models of the route unless others are named, also ones outside of it", () => {
    const fleet = fleetOf(models);
    const task = taskSpec({ route: routeSpec(["a/1", ["a/1", "b/2"]]) });
    expect(namedModels(fleet, task, undefined).map(({ id }) => id)).toEqual(["a/1", "b/2"]);
    expect(namedModels(fleet, task, ["c/3", "c/3"]).map(({ id }) => id)).toEqual(["c/3"]);
    expect(() => namedModels(fleet, task, ["c/33"])).toThrow('no model "c/33" is configured');
  });

  it("without a price are an error before anything is spent", () => {
    expect(() => requirePrices([free, modelSpec("d/4")])).toThrow(/no price: d\/4/);
    expect(() => requirePrices(models)).not.toThrow();
  });

  it("that may not see the rows, or can't do them, are left out with the reason", () => {
    const rows = sampled(texts(20).map((input) => ({ ...input, text: "word ".repeat(1_000) })));
    const chosen = chooseCandidates(fleetOf(models), taskSpec(), { models, rows, terms: { dataClass: "pii" } });
    expect(chosen.models.map(({ id }) => id)).toEqual(["a/1"]);
    expect(chosen.leftOut).toEqual([
      { model: "b/2", reason: expect.stringContaining("b trains on data") },
      { model: "c/3", reason: expect.stringContaining("context window") },
    ]);
    expect(chosen.rows).toHaveLength(20);
  });

  it("keep a few rows that one of them may not see from all of them, and give way for many", () => {
    const task = taskSpec({ dataClass: { field: "class" } });
    const withClass = (share: number) => sampled(texts(40).map((input, i) => (i < 40 * share ? { ...input, class: "pii" } : input)));
    const pair = [free, barred];
    const fleet = fleetOf(pair);
    const few = chooseCandidates(fleet, task, { models: pair, rows: withClass(0.05), terms: {} });
    expect(few.models.map(({ id }) => id)).toEqual(["a/1", "b/2"]);
    expect(few.rows).toHaveLength(38);
    const many = chooseCandidates(fleet, task, { models: pair, rows: withClass(0.5), terms: {} });
    expect(many.models.map(({ id }) => id)).toEqual(["a/1"]);
    expect(many.rows).toHaveLength(40);
    expect(many.leftOut[0]!.reason).toMatch(/^20 of 40 rows: /);
  });

  it("are an error, model by model, when none is left", () => {
    const given = { models: [barred], rows: sampled(texts(1)), terms: { dataClass: "pii" } };
    expect(() => chooseCandidates(fleetOf(models), taskSpec(), given)).toThrow(/b\/2: data class "pii"/);
  });
});

describe("what is compared", () => {
  const withOutput = (...names: string[]): TaskSpec =>
    taskSpec({ output: { type: "object", properties: Object.fromEntries(names.map((name) => [name, {}])) } });

  it.each([
    ["the only property", withOutput("topic"), {}, "topic"],
    ["the one named like the gold field", withOutput("why", "intent"), { gold: "truth.intent" }, "intent"],
    ["answer", withOutput("reasoning", "answer"), { gold: "solution" }, "answer"],
    ["label", withOutput("why", "label"), {}, "label"],
    ["what is said", withOutput("why", "label"), { answer: "why" }, "why"],
    ["the whole text of a text task", taskSpec(), { gold: "x" }, undefined],
    ["the whole answer where nothing better is known and no gold needs it", withOutput("a", "b"), {}, undefined],
  ])("is %s", (_what, task, options, field) => {
    expect(chooseAnswerField(task, options)).toBe(field);
  });

  it("must be said where gold answers need it, and must exist", () => {
    expect(() => chooseAnswerField(withOutput("a", "b"), { gold: "c" })).toThrow(/--answer/);
    expect(() => chooseAnswerField(withOutput("a", "b"), { answer: "c" })).toThrow(/no such field/);
    expect(() => chooseAnswerField(taskSpec(), { answer: "c" })).toThrow(/answers in text/);
  });

  it("is right by gold, else by the judge, else by agreement", () => {
    const judge = { models: [], rubric: "?", passMark: 7, sample: 1, onFail: "escalate" } as const;
    expect(chooseBasis(taskSpec({ judge }), "label")).toBe("gold");
    expect(chooseBasis(taskSpec({ judge }), undefined)).toBe("judge");
    expect(chooseBasis(taskSpec(), undefined)).toBe("agreement");
  });
});

describe("a trial's batch", () => {
  const models = [modelSpec("a/1"), modelSpec("b/2")];
  const plan = (rows: readonly SampledRow[], task = taskSpec(), basis: "gold" | "judge" = "gold") =>
    planTrials(task, { name: "in.jsonl", rows, models, basis, judges: basis === "judge" ? [modelSpec("c/3")] : [], terms: {} }).map(
      ({ batch, terms }) => ({ batch, terms }),
    );
  const drawn = async (count: number) => (await drawSample(rowsOf(texts(count)), { size: 5, seed: 1 })).rows;

  it("is the same for the same rows, task and model, and another for any other", async () => {
    const rows = await drawn(9);
    expect(plan(rows)).toEqual(plan(await drawn(9)));
    const ids = [plan(rows), plan(await drawn(8)), plan(rows, taskSpec({ prompt: { user: "?" } })), plan(rows, taskSpec(), "judge")];
    expect(new Set(ids.flat().map(({ batch }) => batch)).size).toBe(8);
    expect(plan(rows, taskSpec({ route: routeSpec(["c/3"]) }))).toEqual(plan(rows));
    expect(plan(rows)[0]!.batch).toMatch(/^pilot-classify-[0-9a-f]{8}-[0-9a-f]{8}$/);
  });

  it("is named so that those of the same sample are found together", async () => {
    const [rows, others] = [await drawn(9), await drawn(8)];
    const samplesOf = (given: readonly SampledRow[], task = taskSpec()) => plan(given, task).map(({ batch }) => sampleOf(batch, task));
    const [sample] = samplesOf(rows);
    expect(samplesOf(rows)).toEqual([sample, sample]);
    expect(samplesOf(others)).not.toContain(sample);
    expect(samplesOf(rows, taskSpec({ prompt: { user: "?" } }))).not.toContain(sample);
  });

  it("is asked of its model alone, but for the judge where that is the measure", async () => {
    const rows = await drawn(9);
    expect(plan(rows)[1]!.terms).toEqual({ allow: ["b/2"], trial: "checked" });
    expect(plan(rows, taskSpec(), "judge")[0]!.terms).toEqual({ allow: ["a/1", "c/3"], trial: "judged" });
  });
});

describe("an answer of the pilot", () => {
  const byGold: Comparing = { basis: "gold", field: "answer", gold: () => "18" };
  const said = (answer: string) => ({ answer: { text: "", json: { answer }, finish: { unified: "stop", raw: null } } }) as const;
  const MODEL = "acme/small";
  const judge = trailEntry({ purpose: "judge", model: "c/3", costNanoUsd: 999 });
  const unfit = { code: "unfit", message: "a/1: too long" } as const;

  it("is right when it says the same as gold, however it is written", () => {
    expect(toPilotAnswer(answered(0, said("$18.00")), MODEL, byGold)).toEqual({
      value: "18",
      passed: true,
      correct: true,
      costNanoUsd: 1_234_567,
      latencyMs: 250,
    });
    expect(toPilotAnswer(answered(0, said("19")), MODEL, byGold)).toMatchObject({ value: "19", correct: false });
  });

  it("is right when the judge has passed it, and the judge's calls are not its cost", () => {
    const result = answered(0, { ...said("x"), trail: [trailEntry(), judge] });
    expect(toPilotAnswer(result, MODEL, { ...byGold, basis: "judge" })).toMatchObject({ correct: true, costNanoUsd: 1_234_567 });
  });

  it("is wrong when the judge has not, and says what it said; where that was not kept, the same as what else the judge found wrong", () => {
    const one = toPilotAnswer(failed(0, { error: unfit, trail: [trailEntry(), judge] }), MODEL, { ...byGold, basis: "judge" });
    expect(one).toMatchObject({ passed: true, correct: false });
    expect(one!.value).toBeDefined();
    const kept = failed(0, { error: unfit, trail: [trailEntry(), judge], unpassed: said("$19").answer });
    expect(toPilotAnswer(kept, MODEL, { ...byGold, basis: "judge" })).toMatchObject({ value: "19", passed: true, correct: false });
  });

  it("has not passed when a check failed, when it was cut off or refused, and its cost counts", () => {
    for (const outcome of ["unfit", "refused"] as const) {
      const result = failed(0, { error: unfit, trail: [trailEntry({ outcome })] });
      expect(toPilotAnswer(result, MODEL, byGold)).toMatchObject({
        value: undefined,
        passed: false,
        correct: false,
        costNanoUsd: 1_234_567,
      });
      expect(toPilotAnswer(result, MODEL, { ...byGold, basis: "agreement" })).not.toHaveProperty("correct");
    }
  });

  it("is none where the judge has answered in the model's place, but what the model did before that counts", () => {
    const byJudge = answered(0, {
      ...said("18"),
      model: "c/3",
      trail: [trailEntry({ outcome: "transient" }), trailEntry({ model: "c/3" })],
    });
    expect(toPilotAnswer(byJudge, MODEL, byGold)).toBeUndefined();
    const afterCutOff = { ...byJudge, trail: [trailEntry({ outcome: "unfit" }), trailEntry({ model: "c/3" })] };
    expect(toPilotAnswer(afterCutOff, MODEL, byGold)).toMatchObject({ passed: false, costNanoUsd: 1_234_567 });
  });

  it("is none where the model could not be asked, or nobody could judge it", () => {
    expect(toPilotAnswer(failed(0), MODEL, byGold)).toBeUndefined();
    expect(toPilotAnswer(failed(0, { trail: [trailEntry({ outcome: "transient" })] }), MODEL, byGold)).toBeUndefined();
    expect(toPilotAnswer(failed(0, { trail: [trailEntry()] }), MODEL, { ...byGold, basis: "judge" })).toBeUndefined();
  });
});

describe("the estimate", () => {
  const model = modelSpec("a/1", { price: PRICE });
  const rows = sampled(texts(10));

  it("grows with the rows, and with a judge", async () => {
    const one = await estimateCostNanoUsd(taskSpec(), rows, { asked: [{ model, rows: 1 }] });
    expect(one).toBeGreaterThan(0);
    expect(await estimateCostNanoUsd(taskSpec(), rows, { asked: [{ model, rows: 10 }] })).toBe(10 * one);
    expect(await estimateCostNanoUsd(taskSpec(), rows, { asked: [{ model, rows: 1 }], judge: model })).toBeGreaterThan(one);
  });

  it("finds out that a prompt shows the right answer, which no model may see", async () => {
    const task = taskSpec({ prompt: { user: "Is it {{ input.truth }}?" } });
    await expect(estimateCostNanoUsd(task, rows, { asked: [{ model, rows: 1 }], gold: "truth" })).rejects.toMatchObject({
      message: expect.stringContaining("truth"),
      hint: expect.stringContaining('"truth" holds the right answers'),
    });
  });
});

describe("the pace", () => {
  /** Plays a pilot whose rows cost what `costOf` says, in both models; answers with the rows asked and what they cost. */
  async function play(costOf: (row: number) => number, { rows = 200, maxCost = 1_000, estimate = 1 } = {}) {
    const pace = createPilotPace({
      batches: ["a", "b"],
      rows,
      maxCostNanoUsd: maxCost,
      estimateNanoUsd: estimate,
      signal: new AbortController().signal,
    });
    let given = 0;
    let cost = 0;
    let end: "all" | "stopped" | undefined;
    const feeding = (async () => {
      for (let row = 0; row < rows; row++) {
        await pace.admit(row);
        given = row + 1;
        cost += 2 * costOf(row);
      }
      end = "all";
    })().catch(() => (end = "stopped"));
    for (let turn = 0; turn < 10_000 && end === undefined; turn++) {
      await new Promise((wake) => setImmediate(wake));
      for (const batch of ["a", "b"]) pace.note({ batch, stored: given, costNanoUsd: cost / 2 });
    }
    await feeding;
    return { given, cost, end };
  }

  it("lets all rows through where there is money for them", async () => {
    expect(await play(() => 1)).toEqual({ given: 200, cost: 400, end: "all" });
  });

  it("stops before the cap where rows cost much the same, with little left over", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 20, max: 300 }), fc.integer({ min: 1, max: 100 }), async (maxCost, estimate) => {
        const { cost, end } = await play(() => 1, { maxCost, estimate });
        expect(end).toBe("stopped");
        expect(cost).toBeLessThanOrEqual(maxCost);
        expect(cost).toBeGreaterThanOrEqual(maxCost - 2);
      }),
      { numRuns: 50 },
    );
  });

  it("passes the cap by no more than a slice when rows become ten times as dear", async () => {
    const { cost, end } = await play((row) => (row < 50 ? 1 : 10), { maxCost: 300, rows: 1_000 });
    expect(end).toBe("stopped");
    expect(cost).toBeLessThan(300 * 6);
  });

  it("gives no row more once it is interrupted", async () => {
    const interrupt = new AbortController();
    const pace = createPilotPace({ batches: ["a"], rows: 100, maxCostNanoUsd: 1e9, estimateNanoUsd: 1, signal: interrupt.signal });
    const waiting = pace.admit(50);
    interrupt.abort();
    await expect(waiting).rejects.toThrow("no more rows");
    await expect(pace.admit(0)).rejects.toThrow("no more rows");
  });
});

describe("the options", () => {
  it.each([
    [{ sample: "0" }, "--sample"],
    [{ sample: "many" }, "--sample"],
    [{ seed: "1.5" }, "--seed"],
    [{ maxCost: "free" }, "--max-cost"],
    [{ maxCost: "0" }, "--max-cost"],
    [{ floor: "95" }, "--floor"],
  ])("%j is refused by name", (changes, named) => {
    expect(() => readPilotNumbers({ sample: "200", seed: "1", ...changes })).toThrow(named);
  });

  it("are read into rows, nano-dollars and shares", () => {
    expect(readPilotNumbers({ sample: "100", seed: "7", maxCost: "$2.5", floor: "0.95" })).toEqual({
      size: 100,
      seed: 7,
      maxCostNanoUsd: 2.5e9,
      floor: 0.95,
    });
  });
});
