import { describe, expect, it } from "vitest";
import type { Plan, PlannedRoute } from "../../src/plan/plan.ts";
import { renderPlan } from "../../scripts/plan-print.ts";
import { exactly } from "../../src/plan/spread.ts";
import { plannedRoute } from "../plan/plan-specs.ts";

const NO_HISTORY: Plan["history"] = { answers: 0, unseen: ["a/1"], trialRows: 0, formerRows: 0, formerBatches: 0 };
const LAST_RUN = Date.UTC(2026, 4, 3, 12, 30);

function planOf(changes: Partial<Plan> = {}): Plan {
  return {
    task: "classify",
    input: "tickets.jsonl",
    rows: { total: 100, good: 100, bad: 0, estimated: 100, sampleError: 0, firstBad: undefined, done: 0 },
    history: { ...NO_HISTORY, answers: 250, unseen: [], formerRows: 250, formerBatches: 2, formerAt: LAST_RUN },
    assumptions: [],
    omissions: [],
    routes: [plannedRoute()],
    ...changes,
  };
}
const rows = (changes: Partial<Plan["rows"]>): Pick<Plan, "rows"> => ({ rows: { ...planOf().rows, ...changes } });

/** The line that begins so; cells are split where two or more blanks are. */
function line(text: string, start: string): readonly string[] {
  const found = text.split("\n").find((each) => each.startsWith(start));
  expect(found, `a line that begins with ${start}`).toBeDefined();
  return found!.trim().split(/ {2,}/);
}

describe("a printed plan", () => {
  it("says first how many rows of which file it is for", () => {
    expect(renderPlan(planOf())).toMatch(/^tickets\.jsonl for classify: 100 rows\n/);
    expect(renderPlan(planOf(rows({ total: 1, good: 1 })))).toMatch(/^tickets\.jsonl for classify: 1 row\n/);
  });

  it("counts bad rows, with the first of them", () => {
    const text = renderPlan(planOf(rows({ total: 105, bad: 5, firstBad: "line 7: no JSON" })));
    expect(text).toContain("105 rows, 5 of them bad (line 7: no JSON)");
  });

  it("says of how many it only reckons that they are bad", () => {
    const text = renderPlan(planOf(rows({ total: 105, bad: 5, isBadEstimated: true, firstBad: "line 7: no text" })));
    expect(text).toContain("105 rows, about 5 of them bad (line 7: no text)");
  });

  it("says how far a sample of the rows may be off, and which rows have their results already", () => {
    const text = renderPlan(planOf(rows({ total: 200_000, good: 200_000, estimated: 20_000, sampleError: 0.0123, done: 1 })));
    expect(text).toContain("tokens estimated on 20,000 rows drawn at random: the input may be off by 1.2 % for that");
    expect(text).toContain("\n1 row of its batch has a result already: a run of this file calls only the others");
    expect(renderPlan(planOf(rows({ done: 40 })))).toContain("\n40 rows of its batch have a result already");
    expect(renderPlan(planOf())).not.toMatch(/drawn at random|a result already/);
  });

  it("tells what it rests on: former runs, trials, or both", () => {
    expect(renderPlan(planOf())).toContain("\nby 250 rows of 2 former runs (the last of 2026-05-03T12:30Z); ranges: two standard errors\n");
    const trials = { trialRows: 40, trialsAt: LAST_RUN };
    expect(renderPlan(planOf({ history: { ...NO_HISTORY, ...trials } }))).toContain("\nby trials of 40 rows (2026-05-03T12:30Z); ranges");
    const both = { ...planOf().history, ...trials };
    expect(renderPlan(planOf({ history: both }))).toMatch(/\nby 250 rows of 2 former runs .* and trials of 40 rows .*; ranges/);
    const one = { ...NO_HISTORY, answers: 1, formerRows: 1, formerBatches: 1, formerAt: LAST_RUN };
    expect(renderPlan(planOf({ history: one }))).toContain("by 1 row of 1 former run (");
  });

  it("goes by what the fleet has learned where there is nothing else", () => {
    const text = renderPlan(planOf({ history: { ...NO_HISTORY, answers: 1_234, unseen: [] } }));
    expect(text).toContain("by what 1,234 or more earlier answers of each model asked first took; ranges: two standard errors");
    expect(renderPlan(planOf())).not.toContain("earlier answers");
  });

  it("names the models of which nothing is known beside those of which something is", () => {
    const assumptions = ["the answers of b/2 were never seen"];
    const text = renderPlan(planOf({ history: { ...NO_HISTORY, answers: 500, unseen: ["b/2", "c/3"] }, assumptions, sampleRows: 200 }));
    expect(text).toContain("\nby what 500 or more earlier answers of each model asked first but b/2 and c/3 took; but:\n");
    expect(text).not.toMatch(/seen yet|±10 %/);
    expect(text).toContain("  a sample of answers makes the ranges narrow: --sample 200\n");
  });

  it("of rows that no model is asked says nothing of what it rests on", () => {
    const text = renderPlan(planOf({ ...rows({ total: 3, good: 0, bad: 3 }), history: { ...NO_HISTORY, unseen: [] } }));
    expect(text).not.toMatch(/\nby |seen yet|assumed|--sample/);
  });

  it("without any history says so, what was assumed, and which sample would do better", () => {
    const assumptions = ["how a/1 counts the input was never seen", "the answers of a/1 were never seen"];
    const text = renderPlan(planOf({ history: NO_HISTORY, assumptions, sampleRows: 200 }));
    expect(text).toContain("\nby the prompts: no answer of a/1 was seen yet, so each figure is a range\n");
    for (const each of assumptions) expect(text).toContain(`\n  ${each}\n`);
    expect(text).toContain("  a sample of answers makes the ranges narrow: --sample 200\n");
    expect(text).not.toContain("two standard errors");
  });

  it("advises no sample where none can be asked", () => {
    expect(renderPlan(planOf({ history: NO_HISTORY, assumptions: ["the answers of a/1 were never seen"] }))).not.toContain("--sample");
  });

  it("with a history that lacks something names both", () => {
    const text = renderPlan(planOf({ assumptions: ["the answers of b/2 were never seen"], sampleRows: 340 }));
    expect(text).toMatch(/\nby 250 rows of 2 former runs .*; but:\n {2}the answers of b\/2 were never seen\n {2}assumed: /);
    expect(text).toContain("  the cost is known to ±10 % after: --sample 340\n");
    expect(text).not.toContain("seen yet");
  });

  it("of a wide range advises the sample that makes it narrow, and nothing where it is narrow", () => {
    const costNanoUsd = { low: 0.6e9, expected: 1e9, high: 1.7e9 };
    const text = renderPlan(planOf({ routes: [plannedRoute({ costNanoUsd })], sampleRows: 120 }));
    expect(text).toContain("ranges: two standard errors\nthe cost is known to ±10 % after: --sample 120\n");
    expect(text).toContain("$0.6000 … $1.70");
    expect(renderPlan(planOf())).not.toContain("--sample");
  });
});

describe("the table of a printed plan", () => {
  const other = plannedRoute({
    name: "cheapest",
    kind: "strategy",
    calls: exactly(1_200),
    costNanoUsd: { low: 0.5e9, expected: 1.5e9, high: 2e9 },
    timeMs: { low: 60_000, expected: 90_000, high: 120_000 },
    boundBy: "b/2: itpm",
  });

  it("has a line for each route, with ranges only where they are wide", () => {
    const text = renderPlan(planOf({ routes: [plannedRoute(), other] }));
    expect(line(text, "route (ordered)")).toEqual([
      "route (ordered)",
      "100",
      "10,000",
      "2,000",
      "$1.00",
      "$2.00",
      "1 min 00 s",
      "a/1: rpm",
    ]);
    expect(line(text, "cheapest")).toEqual([
      "cheapest",
      "1,200",
      "10,000",
      "2,000",
      "$1.50",
      "$0.5000 … $2.00",
      "$2.00",
      "1 min 30 s",
      "1 min 00 s … 2 min 00 s",
      "b/2: itpm",
    ]);
  });

  it("leaves out a range of two hundredths", () => {
    const narrow = (off: number) =>
      line(renderPlan(planOf({ routes: [plannedRoute({ costNanoUsd: { low: 1e9 - off, expected: 1e9, high: 1e9 + off } })] })), "route");
    expect(narrow(0.009e9)).toHaveLength(8);
    expect(narrow(0.011e9)).toHaveLength(9);
  });

  it("is followed by the route's models where there are several, with their shares of the cost", () => {
    const part = { inputTokens: 100, outputTokens: 10 };
    const models = [
      { model: "c/3", calls: 20, costNanoUsd: 0.75e9, ...part },
      { model: "a/1", calls: 80, costNanoUsd: 0.25e9, ...part },
    ] as const;
    const text = renderPlan(planOf({ routes: [plannedRoute({ models })] }));
    expect(text).toContain("route (ordered), by model\n");
    expect(line(text, "c/3")).toEqual(["c/3", "20", "100", "10", "$0.7500", "75.0 %"]);
    expect(renderPlan(planOf())).not.toContain("by model");
    const uncalled = renderPlan(
      planOf({ routes: [plannedRoute({ models: [...models, { model: "b/2", calls: 0, costNanoUsd: 1, ...part }] })] }),
    );
    expect(uncalled.match(/^b\/2 /m)).toBeNull();
  });
});

describe("the notes under a printed plan", () => {
  it("name rows that no model of a route can take, for each route", () => {
    const routes = [plannedRoute(), plannedRoute({ name: "a/1", kind: "model", unableRows: 3 })];
    const text = renderPlan(planOf({ routes }));
    expect(text).toContain("\na/1: 3 rows of 100 that no model of it can or may take\n");
    expect(text).not.toContain("route (ordered): ");
  });

  it("name a model without a price once, and mark the costs that lack it", () => {
    const routes = [plannedRoute({ unpriced: ["b/2"] }), plannedRoute({ name: "b/2", kind: "model", unpriced: ["b/2"] })];
    const text = renderPlan(planOf({ routes }));
    expect(text.split("b/2 has no price: what it costs is not in here")).toHaveLength(2);
    expect(line(text, "route (ordered)")).toContain("$1.00 + ?");
  });

  it("hold the route against the baseline", () => {
    const routes = [plannedRoute(), plannedRoute({ name: "c/3", kind: "model", costNanoUsd: exactly(4e9) })];
    expect(renderPlan(planOf({ routes, baseline: "c/3" }))).toContain("the route costs 25.0 % of c/3 alone\n");
    expect(renderPlan(planOf({ routes }))).not.toContain("alone\n");
    const free = [plannedRoute(), plannedRoute({ name: "c/3", kind: "model", costNanoUsd: exactly(0) })];
    expect(renderPlan(planOf({ routes: free, baseline: "c/3" }))).not.toContain("of c/3 alone");
  });

  it("hold it against nothing that takes other rows, or that lacks a price", () => {
    const against = (changes: Partial<PlannedRoute>, own: Partial<PlannedRoute> = {}) =>
      renderPlan(planOf({ routes: [plannedRoute(own), plannedRoute({ name: "c/3", kind: "model", ...changes })], baseline: "c/3" }));
    expect(against({})).toContain("of c/3 alone\n");
    expect(against({ unableRows: 3 }, { unableRows: 3 })).toContain("of c/3 alone\n");
    expect(against({ unableRows: 50 })).not.toContain("of c/3 alone");
    expect(against({}, { unpriced: ["b/2"] })).not.toContain("of c/3 alone");
    expect(against({ unpriced: ["b/2"] })).not.toContain("of c/3 alone");
  });

  it("say what the plan leaves out, and what its time and its worst case are", () => {
    const text = renderPlan(planOf({ omissions: ["how hard the rows are is not known"] }));
    expect(text).toMatch(/\nhow hard the rows are is not known\ntime: .*\nworst case: .*\n$/);
  });
});
