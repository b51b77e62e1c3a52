import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPlanCommand, tickets, type PlanCommand } from "./plan-command.ts";

let plan: PlanCommand;
beforeAll(async () => {
  plan = await createPlanCommand();
});
afterAll(() => plan.remove());

const TOO_LONG = JSON.stringify({ text: "word ".repeat(3_000) });

describe("modelfleet plan", () => {
  it("compares the task's route with other orders of its models, with each model alone, and with a baseline", async () => {
    const { routes } = await plan.json(tickets(30), ["--baseline", "alpha/unpriced"]);
    expect(routes.map(({ name, kind }) => `${kind}: ${name}`)).toEqual([
      "route: route (ordered)",
      "strategy: cheapest",
      "strategy: best",
      "strategy: fastest",
      "model: alpha/small",
      "model: beta/medium",
      "model: alpha/large",
      "model: alpha/unpriced",
    ]);
    expect(routes[4]!.calls.expected).toBe(30);
    expect(routes.at(-1)).toMatchObject({ unpriced: ["alpha/unpriced"], costNanoUsd: { expected: 0 } });
  });

  it("without any history gives ranges from the first step alone to all of them, says what was assumed, and which sample to take", async () => {
    const { routes, history, assumptions, sampleRows } = await plan.json(tickets(300));
    const [own] = routes;
    expect(history).toEqual({ answers: 0, unseen: ["alpha/small", "beta/medium"], trialRows: 0, formerRows: 0, formerBatches: 0 });
    expect(own!.calls).toMatchObject({ low: 600, high: 900 });
    expect(own!.costNanoUsd.low).toBeLessThan(own!.costNanoUsd.expected);
    expect(own!.costNanoUsd.expected).toBeLessThan(own!.costNanoUsd.high);
    expect(own!.worstCostNanoUsd).toBeGreaterThanOrEqual(own!.costNanoUsd.high);
    // Every answer of the dearest step is as long as the request lets it be.
    expect(own!.outputTokens.high).toBe(90_000);
    expect(assumptions.join("\n")).toContain("whether alpha/small and beta/medium agree was never seen");
    expect(sampleRows).toBe(200);
    const { stdout, stderr, code } = await plan.run(tickets(300));
    expect(code).toBe(0);
    expect(stderr).toContain("no fleet has run here");
    expect(stdout).toMatch(/no answer of alpha\/small and beta\/medium was seen yet[^]*--sample 200[^]*route \(ordered\)[^]*worst case/);
  });

  it("counts bad rows apart, and rows that no model of a route can take", async () => {
    const made = await plan.json(`${tickets(4)}\n{"text": 1\n${TOO_LONG}\n`);
    expect(made.rows).toMatchObject({ total: 6, good: 5, bad: 1 });
    expect(made.rows.firstBad).toMatch(/^line 5: /);
    expect(made.routes.find(({ name }) => name === "alpha/large")).toMatchObject({ unableRows: 1, calls: { expected: 4 } });
    const { stdout } = await plan.run(`${tickets(4)}\n{"text": 1\n`);
    expect(stdout).toMatch(/5 rows, 1 of them bad \(line 5: /);
  });

  it("ends with 1 where no row can or may be taken by the task's route", async () => {
    const narrow = await plan.run(`${TOO_LONG}\n${TOO_LONG}\n`, ["--task", "narrow"]);
    expect(narrow.code).toBe(1);
    expect(narrow.stdout).toContain("2 rows of 2 that no model of it can or may take");
    expect((await plan.run(`${TOO_LONG}\n${tickets(1)}\n`, ["--task", "narrow"])).code).toBe(0);
    expect((await plan.run(tickets(2), ["--task", "narrow", "--deny", "alpha/large"])).code).toBe(1);
  });

  it("leaves out models that the rows may not be given to", async () => {
    const { routes } = await plan.json(tickets(10), ["--deny", "beta/medium"]);
    expect(routes[0]!.models.map(({ model }) => model)).toEqual(["alpha/large"]);
  });

  it("shows a file without rows as costing nothing", async () => {
    const { routes, rows, sampleRows } = await plan.json("");
    expect(rows.total).toBe(0);
    expect(routes[0]).toMatchObject({ calls: { expected: 0 }, costNanoUsd: { high: 0 }, timeMs: { high: 0 }, worstCostNanoUsd: 0 });
    expect(sampleRows).toBeUndefined();
  });

  it.each([
    ["of 50 rows", tickets(50), ["alpha/small and beta/medium was seen yet"]],
    ["without rows", "", []],
    ["of bad rows only", '{"text": 1\n', []],
  ])("advises no sample of a file %s", async (_what, rows, said) => {
    const { stdout, code } = await plan.run(rows);
    expect(code).toBe(0);
    for (const each of said) expect(stdout).toContain(each);
    expect(stdout).not.toContain("--sample");
  });

  it.each([
    ["a sample that is no number", ["--sample", "many"], /--sample takes a number of rows, not "many"/],
    ["a sample of more rows than can be asked", ["--sample", "1000000"], /--sample 1000000 is more than can be asked/],
    ["a baseline that isn't configured", ["--baseline", "alpha/smal"], /no model "alpha\/smal" is configured/],
    ["a data class that isn't", ["--data-class", "pii"], /the data class "pii" is not configured/],
  ])("refuses %s", async (_what, args, message) => {
    await expect(plan.run(tickets(2), args)).rejects.toThrow(message);
  });
});
