import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { freshProgress, type Exclusion, type Progress } from "../../src/job/progress.ts";
import type { Step, TaskSpec } from "../../src/job/task.ts";
import { type Availability, bind, type Needs } from "../../src/routing/bind.ts";
import { modelSpec, taskSpec } from "./specs.ts";

const SMALL: Needs = { inputTokens: 100, outputTokens: 100, jsonSchema: false };

interface World {
  readonly models?: readonly ModelSpec[];
  readonly availability?: Readonly<Record<string, Availability>>;
  readonly progress?: Partial<Progress>;
  readonly needs?: Partial<Needs>;
}

function bindOn(route: readonly (ModelId | readonly ModelId[])[], world: World = {}) {
  const steps: Step[] = route.map((entry) => ({ models: typeof entry === "string" ? [entry] : entry }));
  const models = world.models ?? steps.flatMap((step) => step.models).map((id) => modelSpec(id));
  return bind(
    { task: taskSpec({ route: steps }), progress: { ...freshProgress(0), ...world.progress }, needs: { ...SMALL, ...world.needs } },
    {
      model: (id) => models.find((model) => model.id === id),
      availability: (id) => world.availability?.[id] ?? { kind: "available" },
    },
  );
}

const full: Availability = { kind: "full" };
const down: Availability = { kind: "unavailable", reason: "breaker open: quota" };
const excluded = (model: ModelId, cause: Exclusion["cause"] = "transient"): Exclusion => ({ model, cause, reason: "HTTP 500" });

describe("bind", () => {
  it("takes the first choice when it is free", () => {
    expect(bindOn(["a/1", "b/2"])).toEqual({ kind: "bound", step: { models: ["a/1"] } });
  });

  it("waits for a busy first choice instead of spilling into the fallback", () => {
    expect(bindOn(["a/1", "b/2"], { availability: { "a/1": full } })).toEqual({
      kind: "wait",
      cause: "full",
      reasons: ["a/1: its queue is full"],
    });
  });

  it("jumps over a model whose breaker is open", () => {
    expect(bindOn(["a/1", "b/2"], { availability: { "a/1": down } })).toMatchObject({ kind: "bound", step: { models: ["b/2"] } });
  });

  it("jumps over an unavailable model and waits for the busy one behind it", () => {
    expect(bindOn(["a/1", "b/2", "c/3"], { availability: { "a/1": down, "b/2": full } })).toMatchObject({ kind: "wait", cause: "full" });
  });

  it("never ends a job because its models are unavailable", () => {
    expect(bindOn(["a/1", "b/2"], { availability: { "a/1": down, "b/2": down } })).toEqual({
      kind: "wait",
      cause: "unavailable",
      reasons: ["a/1: breaker open: quota", "b/2: breaker open: quota"],
    });
  });

  it("jumps over a step of several models when one of them is unavailable, even if another is only busy", () => {
    expect(bindOn([["a/1", "b/2"], "c/3"], { availability: { "a/1": down, "b/2": full } })).toMatchObject({
      kind: "bound",
      step: { models: ["c/3"] },
    });
  });

  it("never gives a job back to a model that it has excluded, alone or in a step of several", () => {
    const progress = { excluded: [excluded("a/1")] };
    expect(bindOn(["a/1", ["b/2", "a/1"], "c/3"], { progress })).toMatchObject({ kind: "bound", step: { models: ["c/3"] } });
  });

  it("says `exhausted`, with the reasons model by model, when every able model was tried", () => {
    const progress = { excluded: [excluded("a/1"), excluded("b/2", "check")] };
    expect(bindOn(["a/1", "b/2"], { progress })).toEqual({
      kind: "dead",
      code: "exhausted",
      reasons: ["a/1: excluded for this job (transient): HTTP 500", "b/2: excluded for this job (check): HTTP 500"],
    });
  });

  it("says `no-model` when nothing could ever be tried", () => {
    expect(bindOn(["a/1"], { models: [modelSpec("a/1", { contextWindow: 150 })] })).toEqual({
      kind: "dead",
      code: "no-model",
      reasons: ["a/1: the request needs about 200 tokens, its context window holds 150"],
    });
    expect(bindOn(["a/1"], { models: [] })).toEqual({ kind: "dead", code: "no-model", reasons: ["a/1: not configured"] });
  });

  it("counts a request that just fills the context window as fitting", () => {
    expect(bindOn(["a/1"], { models: [modelSpec("a/1", { contextWindow: 200 })] })).toMatchObject({ kind: "bound" });
  });

  it("after a context overflow takes only a larger window than the one that was too small", () => {
    const models = [
      modelSpec("a/1", { contextWindow: 1_000 }),
      modelSpec("b/2", { contextWindow: 1_000 }),
      modelSpec("c/3", { contextWindow: 1_001 }),
    ];
    const progress = { excluded: [excluded("a/1", "context")] };
    expect(bindOn(["a/1", "b/2", "c/3"], { models, progress })).toMatchObject({ kind: "bound", step: { models: ["c/3"] } });
  });

  it("passes by a model that lacks a needed capability", () => {
    const models = [modelSpec("a/1", { capabilities: { jsonSchema: false } }), modelSpec("b/2")];
    expect(bindOn(["a/1", "b/2"], { models, needs: { jsonSchema: true } })).toMatchObject({ kind: "bound", step: { models: ["b/2"] } });
    expect(bindOn(["a/1", "b/2"], { models })).toMatchObject({ kind: "bound", step: { models: ["a/1"] } });
  });
});

describe("bind, whatever the fleet looks like", () => {
  const IDS = ["a/1", "a/2", "b/1", "b/2", "c/1"] as const satisfies readonly ModelId[];
  const world = fc.record({
    route: fc.array(fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
    windows: fc.tuple(...IDS.map(() => fc.option(fc.integer({ min: 100, max: 400 }), { nil: undefined, freq: 8 }))),
    jsonSchema: fc.tuple(...IDS.map(() => fc.boolean())),
    states: fc.tuple(...IDS.map(() => fc.constantFrom<Availability>({ kind: "available" }, full, down))),
    excluded: fc.uniqueArray(fc.record({ model: fc.constantFrom(...IDS), cause: fc.constantFrom("context" as const, "check" as const) }), {
      selector: (entry) => entry.model,
    }),
    needs: fc.record({
      inputTokens: fc.integer({ min: 0, max: 200 }),
      outputTokens: fc.integer({ min: 1, max: 100 }),
      jsonSchema: fc.boolean(),
    }),
  });

  it("binds to the first able step that is free, waits only where one is able, and ends a job only where none is", () => {
    fc.assert(
      fc.property(world, ({ route, windows, jsonSchema, states, excluded: exclusions, needs }) => {
        const steps: Step[] = route.map((models) => ({ models }));
        const specs = new Map<ModelId, ModelSpec>(
          IDS.flatMap((id, i) => {
            const contextWindow = windows[i];
            return contextWindow === undefined
              ? []
              : [[id, modelSpec(id, { contextWindow, capabilities: { jsonSchema: jsonSchema[i] ?? true } })]];
          }),
        );
        const stateOf = (id: ModelId) => states[IDS.indexOf(id as (typeof IDS)[number])] ?? full;
        const task: TaskSpec = taskSpec({ route: steps });
        const progress: Progress = { ...freshProgress(0), excluded: exclusions.map((entry) => ({ ...entry, reason: "seen" })) };
        const binding = bind({ task, progress, needs }, { model: (id) => specs.get(id), availability: stateOf });

        // The oracle: the rules, one at a time, over the whole route.
        const overflown = Math.max(
          0,
          ...exclusions.flatMap((e) => (e.cause === "context" ? (specs.get(e.model)?.contextWindow ?? 0) : [])),
        );
        const isAble = (step: Step) =>
          step.models.every((id) => {
            const spec = specs.get(id);
            if (!spec || exclusions.some((entry) => entry.model === id)) return false;
            const fits = needs.inputTokens + needs.outputTokens <= spec.contextWindow && spec.contextWindow > overflown;
            return fits && (!needs.jsonSchema || spec.capabilities.jsonSchema);
          });
        const able = steps.filter(isAble);
        const reachable = able.find((step) => step.models.every((id) => stateOf(id).kind !== "unavailable"));
        const isFull = reachable?.models.some((id) => stateOf(id).kind === "full") ?? false;
        const expected =
          able.length === 0
            ? { kind: "dead", code: exclusions.length === 0 ? "no-model" : "exhausted" }
            : reachable === undefined
              ? { kind: "wait", cause: "unavailable" }
              : isFull
                ? { kind: "wait", cause: "full" }
                : { kind: "bound", step: reachable };
        expect(binding).toMatchObject(expected);
        expect(binding.kind === "bound" || binding.reasons.length > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
