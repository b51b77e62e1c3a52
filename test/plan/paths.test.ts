import { describe, expect, it } from "vitest";
import { createPathFinder, createSinglePathFinder, type RowWays } from "../../src/plan/paths.ts";
import type { Job } from "../../src/job/job.ts";
import type { Price } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Strategy, TaskSpec } from "../../src/job/task.ts";
import { jobSpec, modelSpec, routeSpec, taskSpec, toStep, viewSpec, type Entry } from "../routing/specs.ts";

const price = (input: number): Price => ({ input, output: 4 * input, cachedInput: input, cacheWrite: input });

const MODELS = [
  modelSpec("a/small", { price: price(100_000), contextWindow: 2_000 }),
  modelSpec("b/middle", { price: price(1_000_000) }),
  modelSpec("c/large", { price: price(5_000_000), tier: "premium" }),
];
const VIEW = viewSpec(MODELS);
const short = jobSpec();
const long = jobSpec({ row: 1, input: { text: "word ".repeat(3_000) } });

const nameOf = (way: RowWays["ways"][number]) => way.map(({ models }) => models.join("+")).join(" > ");

function find(task: TaskSpec, job: Job = short) {
  const { key, ways, firsts, isTold } = createPathFinder(task, VIEW).find(job);
  return { key, ways: ways.map(nameOf), firsts, ...(isTold ? { isTold } : {}) };
}

function taskBy(
  strategy: Strategy,
  entries: readonly Entry[],
  route: Parameters<typeof routeSpec>[1] = {},
  changes: Partial<TaskSpec> = {},
) {
  return taskSpec({ route: routeSpec(entries, { strategy, ...route }), ...changes });
}
const fallback = [toStep("c/large")];

describe("the ways that a row may take", () => {
  it("are one where the strategy alone puts the steps in order, to the end of the route", () => {
    const entries: readonly Entry[] = ["c/large", ["b/middle", "a/small"]];
    expect(find(taskBy({ kind: "ordered" }, entries))).toMatchObject({ ways: ["c/large > b/middle+a/small"], firsts: 1 });
    expect(find(taskBy({ kind: "cheapest" }, entries)).ways).toEqual(["b/middle+a/small > c/large"]);
    expect(find(taskBy({ kind: "ordered" }, ["a/small", "b/middle"], { fallback })).ways).toEqual(["a/small > b/middle > c/large"]);
  });

  it("go past a model that was found wanting, to those that are better", () => {
    const quality = { "a/small": 0.6, "b/middle": 0.5, "c/large": 0.9 };
    expect(find(taskBy({ kind: "cheapest" }, ["a/small", "b/middle", "c/large"], { quality })).ways).toEqual([
      "a/small > c/large > b/middle",
    ]);
  });

  it("by who would be done first begin with each of the first choices, and with a fallback only where none is able", () => {
    const soonest = taskBy({ kind: "soonest" }, ["a/small", "b/middle"], { fallback });
    const found = find(soonest);
    expect(found.firsts).toBe(2);
    expect(found.ways.toSorted()).toEqual(["a/small > b/middle > c/large", "b/middle > a/small > c/large"]);
    expect(find(soonest, long)).toMatchObject({ ways: ["b/middle > c/large"], firsts: 1 });
    const onlySmall = taskBy({ kind: "soonest" }, ["a/small"], { fallback });
    expect(find(onlySmall, long)).toMatchObject({ ways: ["c/large"], firsts: 0 });
  });

  it("of a route that spills over may begin with any step, the first choices before the fallbacks", () => {
    const spilling = taskBy({ kind: "ordered" }, ["a/small", "b/middle"], { fallback, spillMs: 2_000 });
    expect(find(spilling)).toMatchObject({
      ways: ["a/small > b/middle > c/large", "b/middle > a/small > c/large", "c/large > a/small > b/middle"],
      firsts: 2,
    });
  });

  it("where a model is asked for the complexity are one for each band, the one by the rules first", () => {
    const [simple, complex] = [toStep("a/small"), toStep("b/middle")];
    const bands = [
      { upTo: 0.5, steps: [simple] },
      { upTo: 1, steps: [complex] },
    ];
    const told = taskSpec({
      route: routeSpec([], { strategy: { kind: "complexity", bands }, steps: [simple, complex] }),
      analyse: { kind: "model", model: "c/large" },
    });
    expect(find(told)).toMatchObject({ ways: ["a/small > b/middle", "b/middle > a/small"], firsts: 2, isTold: true });
    const byRules = taskSpec({ route: told.route });
    expect(find(byRules)).toEqual({ key: expect.any(String), ways: ["a/small > b/middle"], firsts: 1 });
  });

  it("where several bands begin with the same step are one for all of them", () => {
    const [simple, complex, dear] = [toStep("a/small"), toStep("b/middle"), toStep("c/large")];
    const bands = [simple, complex, dear].map((step, i) => ({ upTo: (i + 1) / 3, steps: [step] }));
    const told = taskSpec({
      route: routeSpec([], { strategy: { kind: "complexity", bands }, steps: [simple, complex, dear] }),
      analyse: { kind: "model", model: "c/large" },
    });
    expect(find(told, jobSpec({ deny: ["b/middle"] }))).toMatchObject({ ways: ["a/small > c/large", "c/large > a/small"], firsts: 2 });
    // Who may not read it can't tell: it is taken as middling.
    expect(find(told, jobSpec({ deny: ["c/large"] }))).toEqual({ key: expect.any(String), ways: ["b/middle > a/small"], firsts: 1 });
  });

  it("are none where no model can or may take it", () => {
    expect(find(taskBy({ kind: "ordered" }, ["a/small"]), long)).toMatchObject({ ways: [], firsts: 0 });
    expect(find(taskBy({ kind: "soonest" }, ["a/small"]), long)).toMatchObject({ ways: [], firsts: 0 });
    const forbidden = jobSpec({ deny: ["a/small", "b/middle"] });
    expect(find(taskBy({ kind: "ordered" }, ["a/small", "b/middle"]), forbidden).ways).toEqual([]);
  });
});

describe("rows that are summed up together", () => {
  const task = taskBy({ kind: "ordered" }, ["a/small", "b/middle"]);

  it("are those that take the same ways", () => {
    const finder = createPathFinder(task, VIEW);
    const keyOf = (job: Job) => finder.find(job).key;
    expect(keyOf(short)).toBe(keyOf(jobSpec({ row: 7, input: { text: "Something else" } })));
    expect(keyOf(short)).not.toBe(keyOf(long));
    expect(finder.find(short).ways).toBe(finder.find(jobSpec({ row: 9 })).ways);
  });
});

describe("who reads a row beside those that answer it", () => {
  const task = taskBy(
    { kind: "ordered" },
    ["b/middle"],
    {},
    {
      judge: { models: ["a/small", "c/large"], rubric: "Right?", passMark: 5, sample: 1, onFail: "fail" },
      analyse: { kind: "model", model: "a/small" },
    },
  );
  const finders = [createPathFinder(task, VIEW), createSinglePathFinder(task, "b/middle", VIEW)];

  it("are those that can and may, and rows with others are summed up by themselves", () => {
    for (const finder of finders) {
      const [whole, cut, denied] = [short, long, jobSpec({ deny: ["c/large"] })].map((job) => finder.find(job));
      expect(whole).toMatchObject({ judges: ["a/small", "c/large"], isAnalysed: true });
      expect(cut!.judges).toEqual(["c/large"]);
      expect(cut!.isAnalysed).toBeUndefined();
      expect(denied).toMatchObject({ judges: ["a/small"], isAnalysed: true });
      expect(new Set([whole, cut, denied].map((found) => found!.key)).size).toBe(3);
    }
  });
});

describe("the way through one model alone", () => {
  const single = (model: ModelId, job: Job) => {
    const { key, ways } = createSinglePathFinder(taskBy({ kind: "soonest" }, ["b/middle", "c/large"]), model, VIEW).find(job);
    return { key, ways: ways.map(nameOf) };
  };

  it("is that model, also one that the route doesn't have; none where it can't take the row", () => {
    expect(single("a/small", short).ways).toEqual(["a/small"]);
    expect(single("a/small", long).ways).toEqual([]);
    expect(single("a/small", jobSpec({ deny: ["a/small"] })).ways).toEqual([]);
    expect(single("a/small", short).key).not.toBe(single("a/small", long).key);
  });
});
