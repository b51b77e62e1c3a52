import { describe, expect, it } from "vitest";
import type { JudgeSpec } from "../../src/job/check-spec.ts";
import type { JsonObject } from "../../src/job/json.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { TaskSpec } from "../../src/job/task.ts";
import { countRow, newFormerRows } from "../../src/plan/former-rows.ts";
import type { PlannedRoute } from "../../src/plan/plan.ts";
import { answered, trailEntry } from "../results/sample-results.ts";
import { modelSpec, routeSpec, taskSpec, toStep } from "../routing/specs.ts";
import { usage } from "./row-trail.ts";
import { times } from "./plan-specs.ts";
import { bodies, dollars, planned, plannedOwn, tickets } from "./planned.ts";

const MODELS = (["v/a", "v/b", "w/c", "v/j", "w/k"] as const).map((id) => modelSpec(id, { price: dollars(1) }));
const judge = (models: readonly ModelId[], changes: Partial<JudgeSpec> = {}): JudgeSpec => {
  return { models, rubric: "Right?", passMark: 5, sample: 1, onFail: "escalate", ...changes };
};
const callsOf = ({ models }: PlannedRoute) => Object.fromEntries(models.map(({ model, calls }) => [model, calls]));
/** A former run: for each row its calls, who was asked for what, with how many tokens of input. */
type FormerCall = Pick<Parameters<typeof trailEntry>[0] & object, "model" | "purpose"> & { readonly input?: number };
function formerRun(rows: readonly (readonly FormerCall[])[]) {
  const former = newFormerRows();
  for (const [row, calls] of rows.entries()) {
    const trail = calls.map(({ input = 13, ...call }, hop) =>
      trailEntry({ ...call, call: `b.${row}.${hop}.0~1`, usage: usage(input, 20), estimatedInputTokens: input }),
    );
    countRow(former, answered(row, { trail }));
  }
  return [{ batch: "b", at: 1, former, taken: new Map() }];
}

describe("a judge who may not read a row", () => {
  const task = taskSpec({ route: routeSpec(["w/c", "v/a"]), judge: judge(["v/j", "w/k"]) });
  const callsFor = async (terms: object, changes: Partial<TaskSpec> = {}) =>
    callsOf(await plannedOwn({ models: MODELS, rows: tickets(100), task: { ...task, ...changes }, terms }));

  it("is not planned for: another one judges", async () => {
    expect(Object.keys(await callsFor({})).toSorted()).toEqual(["v/a", "v/j", "w/c", "w/k"]);
    expect(await callsFor({ deny: ["v/j"] }, { route: routeSpec(["w/c"]) })).toEqual({ "w/c": 100, "w/k": 100 });
    expect(await callsFor({ allow: ["w/c", "v/j"] })).toEqual({ "w/c": 100, "v/j": 100 });
  });

  it("leaves nobody who could: rows that would be judged go on to the end of the route", async () => {
    expect(await callsFor({ deny: ["v/j", "w/k"] })).toEqual({ "w/c": 100, "v/a": 100 });
    const half = { judge: judge(["v/j"], { sample: 0.5, onFail: "repair" }) };
    expect(await callsFor({ deny: ["v/j"] }, half)).toEqual({ "w/c": 100, "v/a": 50 });
  });

  it("by the data's class is as one that is denied", async () => {
    const models = MODELS.map((spec) => ({ ...spec, barredFor: { secret: spec.id === "v/j" ? "v trains on data" : null } }));
    const secret = { ...task, dataClass: { default: "secret" }, route: routeSpec(["w/c"]) };
    expect(callsOf(await plannedOwn({ models, rows: tickets(100), task: secret }))).toEqual({ "w/c": 100, "w/k": 100 });
  });

  it("is one that answered it: of an agreement of all the judges each row goes on", async () => {
    const together = { route: routeSpec([["v/a", "w/c"], "v/b"]), judge: judge(["v/a", "w/c"]) };
    expect(await callsFor({}, together)).toMatchObject({ "v/b": 100 });
  });

  it("was none in a former run either: what it ended it ends again", async () => {
    const rows = times(100, (i) => [{ model: "w/c" as const }, ...(i % 2 ? [{ model: "v/a" as const }] : [])]);
    const own = await plannedOwn({
      models: MODELS,
      rows: tickets(100),
      task: { ...task, judge: judge(["v/j"], { sample: 0.5 }) },
      terms: { deny: ["v/j"] },
      former: formerRun(rows),
    });
    expect(callsOf(own)).toEqual({ "w/c": 100, "v/a": 50 });
  });
});

describe("a model that is asked for the complexity", () => {
  const bands = (...models: readonly ModelId[]) => {
    const steps = models.map(toStep);
    return routeSpec([], {
      strategy: { kind: "complexity", bands: steps.map((step, i) => ({ upTo: (i + 1) / steps.length, steps: [step] })) },
      steps,
    });
  };
  const asked = (...models: readonly ModelId[]) => taskSpec({ route: bands(...models), analyse: { kind: "model", model: "v/j" } });

  it("is not planned for where it may not read the rows, which are then taken as middling", async () => {
    const task = asked("v/a", "v/b", "w/c");
    expect(callsOf(await plannedOwn({ models: MODELS, rows: tickets(90), task }))).toMatchObject({ "v/j": 90 });
    expect(callsOf(await plannedOwn({ models: MODELS, rows: tickets(90), task, terms: { deny: ["v/j"] } }))).toEqual({ "v/b": 90 });
  });

  it("tells as many rows to a model as it did before, also where that one takes the place of another", async () => {
    const former = formerRun(times(100, (i) => [{ model: i % 2 ? ("v/a" as const) : ("w/c" as const) }]));
    const planning = { models: MODELS, rows: tickets(900), task: asked("v/a", "v/b", "w/c"), former };
    expect(callsOf(await plannedOwn({ ...planning, terms: { deny: ["v/b"] } }))).toMatchObject({ "v/a": 450, "w/c": 450 });
  });

  it("is shown so much of a long row and no more, as it was before", async () => {
    const former = formerRun(
      times(50, () => [
        { model: "v/j", purpose: "analyse", input: 2_250 },
        { model: "v/a", input: 10_010 },
      ]),
    );
    const own = await plannedOwn({ models: MODELS, rows: tickets(100, 10_000), task: asked("v/a"), former });
    expect(own.models.find(({ model }) => model === "v/j")).toMatchObject({ calls: 100, inputTokens: 225_000 });
    const mixed = formerRun(
      times(50, (i) => [
        { model: "v/j", purpose: "analyse", input: i % 2 ? 2_250 : 360 },
        { model: "v/a", input: i % 2 ? 10_010 : 110 },
      ]),
    );
    const rows = [...tickets(50, 10_000), ...tickets(50, 100)];
    const both = await plannedOwn({ models: MODELS, rows, task: asked("v/a"), former: mixed });
    const { inputTokens } = both.models.find(({ model }) => model === "v/j")!;
    expect(Math.abs(inputTokens / 130_500 - 1)).toBeLessThan(0.02);
  });
});

describe("a row with a limit of its own", () => {
  it("says nothing of the rows without one", async () => {
    const task = taskSpec({ route: routeSpec(["v/a"]) });
    const costOf = async (...rows: readonly ReturnType<typeof bodies>[]) =>
      (await plannedOwn({ models: MODELS, rows: rows.flat(), task })).costNanoUsd;
    const [without, short, long] = [
      await costOf(bodies(1_000)),
      await costOf(bodies(999), bodies(1, { max_tokens: 10 })),
      await costOf(bodies(999), bodies(1, { max_tokens: 16_000 })),
    ];
    for (const cost of [short, long]) {
      expect(Math.abs(cost.expected / without.expected - 1)).toBeLessThan(0.01);
      expect(Math.abs(cost.high / without.high - 1)).toBeLessThan(0.01);
    }
  });
});

describe("a price that is another one for long inputs", () => {
  const tiered = dollars(1, { tiers: [{ ...dollars(2), aboveInputTokens: 20_000 }] });
  const long = 30_000;
  const rows = (words: number) => [...tickets(50, words), ...tickets(50, 100)];

  it("is asked for a judge's calls one by one", async () => {
    const models = [modelSpec("w/c", { price: dollars(1) }), modelSpec("v/j", { price: tiered })];
    const task = taskSpec({ route: routeSpec(["w/c"]), judge: judge(["v/j"]), maxOutputTokens: 100 });
    const costOf = async (of: readonly { readonly text: string }[]) =>
      (await plannedOwn({ models, rows: of, task })).models.find(({ model }) => model === "v/j")!.costNanoUsd;
    const [mixed, longOnes, shortOnes] = [await costOf(rows(long)), await costOf(tickets(50, long)), await costOf(tickets(50, 100))];
    expect(Math.abs(mixed / (longOnes + shortOnes) - 1)).toBeLessThan(0.001);
  });

  it("is that of the vendor's count, which may be larger than ours", async () => {
    const former = formerRunCounted(
      times(100, (i) => (i % 2 ? 100 : 17_000)),
      1.3,
    );
    const own = await plannedOwn({
      models: [modelSpec("v/a", { price: tiered })],
      rows: rows(16_993),
      task: taskSpec({ route: routeSpec(["v/a"]) }),
      former,
    });
    const paid = 50 * (22_100 * 2 + 20 * 8) + 50 * (130 + 20 * 4);
    expect(Math.abs(own.costNanoUsd.expected / (paid * 1_000) - 1)).toBeLessThan(0.02);
  });

  it("holds in the worst case, with its own price of reasoning", async () => {
    const reasoned = dollars(1, { tiers: [{ ...dollars(2), reasoning: 100e6, aboveInputTokens: 100 }] });
    const worst = async (price: typeof reasoned) =>
      (await plannedOwn({ models: [modelSpec("v/a", { price })], rows: tickets(100, 200), task: taskSpec({ route: routeSpec(["v/a"]) }) }))
        .worstCostNanoUsd;
    expect(await worst(reasoned)).toBeGreaterThanOrEqual(100 * 4_096 * 100_000);
  });
});

/** Answers of one model, of so many tokens by our count, and so many times as many by the vendor's. */
function formerRunCounted(ours: readonly number[], factor: number) {
  const former = newFormerRows();
  for (const [row, count] of ours.entries()) {
    const entry = { model: "v/a" as const, usage: usage(Math.round(count * factor), 20), estimatedInputTokens: count };
    countRow(former, answered(row, { trail: [trailEntry({ ...entry, call: `b.${row}.0.0~1` })] }));
  }
  return [{ batch: "b", at: 1, former, taken: new Map() }];
}

describe("a model without a price", () => {
  it("is named where a range or the worst case holds it, though no call to it is expected", async () => {
    const models = [modelSpec("v/a", { price: dollars(1) }), modelSpec("w/c"), modelSpec("v/j")];
    const route = routeSpec(["v/a"], { fallback: [toStep("w/c")] });
    const checks = [{ kind: "schema", onFail: "escalate" }] as const;
    const own = await plannedOwn({ models, rows: tickets(100), task: taskSpec({ route, checks }) });
    expect(own.unpriced).toEqual(["w/c"]);
    expect(own.models.map(({ model }) => model)).toEqual(["v/a"]);
    const judged = await plannedOwn({
      models,
      rows: tickets(100),
      task: taskSpec({ route: routeSpec(["v/a"]), judge: judge(["v/j"], { sample: 0.001 }) }),
    });
    expect(judged.unpriced).toEqual(["v/j"]);
  });
});

describe("rows of which no request can be made", () => {
  it("are as many of a large file as the sample's share of them has it", async () => {
    const rows = times(2_000, (i): JsonObject => (i % 2 ? { text: `x ${i}` } : { other: i }));
    const task = taskSpec({ route: routeSpec(["v/a"]) });
    const whole = await planned({ models: MODELS, rows, task });
    const sampled = await planned({ models: MODELS, rows, task, sampleAbove: 1_000, sampleSize: 200 });
    expect(whole.rows).toMatchObject({ total: 2_000, good: 1_000, bad: 1_000 });
    expect(whole.rows.isBadEstimated).toBeUndefined();
    expect(sampled.rows.total).toBe(2_000);
    expect(sampled.rows.good + sampled.rows.bad).toBe(2_000);
    expect(Math.abs(sampled.rows.good / 1_000 - 1)).toBeLessThan(0.2);
    expect(sampled.rows.isBadEstimated).toBe(true);
    expect(sampled.routes[0]!.calls.expected).toBe(sampled.rows.good);
  });
});

describe("the worst case of a file", () => {
  const worstOf = async (rows: Parameters<typeof plannedOwn>[0]["rows"], task: Partial<TaskSpec> = {}) =>
    (await plannedOwn({ models: MODELS, rows, task: taskSpec({ route: routeSpec(["v/a"]), ...task }) })).worstCostNanoUsd;

  it("holds each of several answers to one request at its longest", async () => {
    const [one, four] = [await worstOf(bodies(100, { max_tokens: 4_096 })), await worstOf(bodies(100, { max_tokens: 4_096, n: 4 }))];
    expect(one).toBeGreaterThanOrEqual(100 * 4_096 * 4_000);
    expect(four).toBeGreaterThanOrEqual(4 * 100 * 4_096 * 4_000);
    expect(await worstOf(bodies(100, { n: 3 }))).toBeGreaterThanOrEqual(3 * 100 * 4_096 * 4_000);
  });

  it("holds each judge's verdict, for one that can't be read is paid before another one is asked", async () => {
    const [one, two] = [
      await worstOf(tickets(100), { judge: judge(["v/j"]) }),
      await worstOf(tickets(100), { judge: judge(["v/j", "w/k"]) }),
    ];
    expect(two - one).toBeGreaterThanOrEqual(100 * 1_000 * 4_000);
    // Of three models two agree: the third may judge them.
    const majority = { route: routeSpec([], { steps: [{ models: ["v/a", "v/b", "w/c"], agree: { need: 2 } }] }) };
    const [unjudged, member] = [await worstOf(tickets(100), majority), await worstOf(tickets(100), { ...majority, judge: judge(["w/c"]) })];
    expect(member - unjudged).toBeGreaterThanOrEqual(100 * 1_000 * 4_000);
  });
});

describe("the figures of a plan", () => {
  it("are whole milliseconds, and of models that are called", async () => {
    const route = routeSpec(["v/a"], { fallback: [toStep("w/c")], spillMs: 2_000 });
    const own = await plannedOwn({ models: MODELS, rows: tickets(3), task: taskSpec({ route }) });
    expect(Object.values(own.timeMs).filter((timeMs) => !Number.isInteger(timeMs))).toEqual([]);
    expect(own.models.map(({ model }) => model)).toEqual(["v/a"]);
  });
});
