import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelSpec } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import { type Exclusion, freshProgress, type Progress } from "../../src/job/progress.ts";
import type { Route, Step, Strategy } from "../../src/job/task.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { createFilter } from "../../src/routing/able.ts";
import { bind } from "../../src/routing/bind.ts";
import type { Availability } from "../../src/routing/model-view.ts";
import { rank } from "../../src/routing/rank.ts";
import { type Entry, modelSpec, type ModelState, routeSpec, type SubjectChanges, subjectSpec, toStep, viewSpec } from "./specs.ts";

interface World extends SubjectChanges {
  readonly models?: readonly ModelSpec[];
  readonly states?: Readonly<Record<string, ModelState>>;
  readonly route?: Partial<Route>;
}

function bindOn(entries: readonly Entry[], { models, states, route, ...changes }: World = {}) {
  const spec = routeSpec(entries, route);
  const ids = [...spec.steps, ...spec.fallback, ...(changes.progress?.next ?? [])].flatMap((step) => step.models);
  const known = models ?? ids.map((id) => modelSpec(id));
  return bind(subjectSpec({ ...changes, task: { route: spec, ...changes.task } }), viewSpec(known, states));
}

const full: Availability = { kind: "full" };
const down: Availability = { kind: "unavailable", reason: "breaker open: quota" };
const busy = (...ids: readonly ModelId[]) => Object.fromEntries(ids.map((id) => [id, { availability: full }]));
const dead = (...ids: readonly ModelId[]) => Object.fromEntries(ids.map((id) => [id, { availability: down }]));
const excluded = (model: ModelId, cause: Exclusion["cause"] = "transient"): Exclusion => ({ model, cause, reason: "HTTP 500" });
const boundTo = (...models: readonly ModelId[]) => ({ kind: "bound", step: { models } });

describe("bind", () => {
  it("takes the first choice when it is free", () => {
    expect(bindOn(["a/1", "b/2"])).toEqual({ kind: "bound", step: { models: ["a/1"] } });
  });

  it("waits for a busy first choice instead of spilling into the fallback", () => {
    const wait = { kind: "wait", cause: "full", reasons: ["a/1: its queue is full"] };
    expect(bindOn(["a/1", "b/2"], { states: busy("a/1") })).toEqual(wait);
    expect(bindOn(["a/1"], { states: busy("a/1"), route: { fallback: [toStep("b/2")] } })).toEqual(wait);
  });

  it("jumps over a model whose breaker is open", () => {
    expect(bindOn(["a/1", "b/2"], { states: dead("a/1") })).toMatchObject(boundTo("b/2"));
  });

  it("jumps over an unavailable model and waits for the busy one behind it", () => {
    const states = { ...dead("a/1"), ...busy("b/2") };
    expect(bindOn(["a/1", "b/2", "c/3"], { states })).toMatchObject({ kind: "wait", cause: "full" });
  });

  it("never ends a job because its models are unavailable", () => {
    expect(bindOn(["a/1", "b/2"], { states: dead("a/1", "b/2") })).toEqual({
      kind: "wait",
      cause: "unavailable",
      reasons: ["a/1: breaker open: quota", "b/2: breaker open: quota"],
    });
  });

  it("jumps over a step of several models when one of them is unavailable, even if another is only busy", () => {
    const states = { ...dead("a/1"), ...busy("b/2") };
    expect(bindOn([["a/1", "b/2"], "c/3"], { states })).toMatchObject(boundTo("c/3"));
  });

  it("never gives a job back to a model that it has excluded, alone or in a step of several", () => {
    const progress = { excluded: [excluded("a/1")] };
    expect(bindOn(["a/1", ["b/2", "a/1"], "c/3"], { progress })).toMatchObject(boundTo("c/3"));
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
});

describe("bind, to a route that says how long a wait is too long", () => {
  const route = { spillMs: 10_000 };
  const waiting = (waits: Readonly<Record<string, number>>): Readonly<Record<string, ModelState>> =>
    Object.fromEntries(Object.entries(waits).map(([id, waitMs]) => [id, { availability: full, waitMs }]));

  it("waits for a first choice that is soon free", () => {
    expect(bindOn(["a/1", "b/2"], { route, states: waiting({ "a/1": 10_000 }) })).toMatchObject({ kind: "wait", cause: "full" });
  });

  it("jumps over one that is not while another is free, a fallback too", () => {
    expect(bindOn(["a/1", "b/2"], { route, states: waiting({ "a/1": 10_001 }) })).toMatchObject(boundTo("b/2"));
    const fallback = [toStep("c/3")];
    expect(bindOn(["a/1"], { route: { ...route, fallback }, states: waiting({ "a/1": 60_000 }) })).toMatchObject(boundTo("c/3"));
  });

  it("waits where all are busy, and for the better one that is soon free before a lesser one that is free now", () => {
    expect(bindOn(["a/1", "b/2"], { route, states: waiting({ "a/1": 60_000, "b/2": 90_000 }) })).toEqual({
      kind: "wait",
      cause: "full",
      reasons: ["a/1: its queue is full"],
    });
    expect(bindOn(["a/1", "b/2", "c/3"], { route, states: waiting({ "a/1": 60_000, "b/2": 100 }) })).toMatchObject({ kind: "wait" });
  });

  it("counts the longest wait of a step's models", () => {
    const states = waiting({ "a/1": 100, "b/2": 60_000 });
    expect(bindOn([["a/1", "b/2"], "c/3"], { route, states })).toMatchObject(boundTo("c/3"));
  });
});

describe("bind, to what comes before the route", () => {
  const judges: readonly Step[] = (["j/1", "j/2"] as const).map((id) => ({ models: [id], purpose: "judge" }));
  const progress = { next: judges };

  it("takes the first of these steps that is able and free", () => {
    expect(bindOn(["a/1"], { progress })).toEqual({ kind: "bound", step: judges[0] });
    expect(bindOn(["a/1"], { progress, states: busy("j/1") })).toEqual({ kind: "bound", step: judges[1] });
    expect(bindOn(["a/1"], { progress, states: dead("j/1") })).toEqual({ kind: "bound", step: judges[1] });
  });

  it("waits for those that are able, and never goes on to the route while one is", () => {
    expect(bindOn(["a/1"], { progress, states: { ...dead("j/1"), ...busy("j/2") } })).toMatchObject({ kind: "wait", cause: "full" });
    expect(bindOn(["a/1"], { progress, states: dead("j/1", "j/2") })).toMatchObject({
      kind: "wait",
      cause: "unavailable",
      reasons: ["j/1: breaker open: quota", "j/2: breaker open: quota"],
    });
  });

  it("says `skipped`, with the reasons, when none of them is able", () => {
    const models = [modelSpec("a/1"), modelSpec("j/1", { barredFor: { pii: "it is in us" } })];
    expect(bindOn(["a/1"], { progress, models, job: { dataClass: "pii" } })).toEqual({
      kind: "skipped",
      reasons: ['j/1: data class "pii": it is in us', "j/2: not configured"],
    });
  });

  it("holds judges to the job's own rules: data class, allow, deny, and what it has met", () => {
    expect(bindOn(["a/1"], { progress, job: { deny: ["j/1"] } })).toEqual({ kind: "bound", step: judges[1] });
    expect(bindOn(["a/1"], { progress, job: { allow: ["a/1"] } })).toMatchObject({ kind: "skipped" });
    expect(bindOn(["a/1"], { progress: { ...progress, excluded: [excluded("j/1", "refused")] } })).toEqual({
      kind: "bound",
      step: judges[1],
    });
  });

  it("lets whoever answered badly judge another's answer, but asks nobody twice whose judgement could not be used", () => {
    const met: Partial<Progress> = { ...progress, excluded: [excluded("j/1", "check")] };
    expect(bindOn(["a/1"], { progress: met })).toEqual({ kind: "bound", step: judges[0] });
    const entry = { call: "c", startedAt: 0, latencyMs: 1, usage: NO_USAGE, costNanoUsd: 1 };
    const judged: TrailEntry = { ...entry, model: "j/1", purpose: "judge", outcome: "unfit" };
    expect(bindOn(["a/1"], { progress: { ...met, trail: [judged] } })).toEqual({ kind: "bound", step: judges[1] });
    expect(bindOn(["a/1"], { progress: { ...met, trail: [judged, { ...judged, model: "j/2" }] } })).toMatchObject({ kind: "skipped" });
  });

  it("asks no capability of a judge, who reads the job as text", () => {
    const models = [modelSpec("j/1", { capabilities: { jsonSchema: false, images: false, tools: false } })];
    expect(bindOn(["a/1"], { progress, models, needs: { jsonSchema: true, images: true, tools: true } })).toMatchObject(boundTo("j/1"));
  });

  it("goes on with the route when there is nothing before it", () => {
    expect(bindOn(["a/1"], { progress: { next: [] } })).toMatchObject(boundTo("a/1"));
  });
});

describe("bind, whatever the fleet looks like", () => {
  const IDS = ["a/1", "a/2", "b/1", "b/2", "c/1"] as const satisfies readonly ModelId[];
  const entries = fc.array(fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 });
  const rates = fc.double({ min: 0, max: 1, noNaN: true });
  const state = fc.record({
    availability: fc.constantFrom<Availability>({ kind: "available" }, full, down),
    waitMs: fc.constantFrom(0, 5_000, 60_000, Number.POSITIVE_INFINITY),
    isDemoted: fc.boolean(),
    stats: fc.record({
      calls: fc.double({ min: 0, max: 500, noNaN: true }),
      answerRate: rates,
      passRate: rates,
      p50Ms: fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined }).map((ms) => ms as number),
      outputTokens: fc.integer({ min: 0, max: 5_000 }),
    }),
  });
  const spec = fc.record({
    contextWindow: fc.integer({ min: 100, max: 400 }),
    jsonSchema: fc.boolean(),
    isBarred: fc.boolean(),
    isPriced: fc.boolean(),
    tier: fc.constantFrom("fast" as const, "standard" as const, "premium" as const),
  });
  const kinds = fc.constantFrom<Strategy["kind"]>(
    "ordered",
    "cheapest",
    "fastest",
    "best",
    "soonest",
    "balanced",
    "weighted",
    "complexity",
  );
  const world = fc.record({
    steps: entries,
    fallback: fc.oneof(fc.constant<(typeof IDS)[number][][]>([]), entries),
    kind: kinds,
    weights: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 5 }),
    specs: fc.tuple(...IDS.map(() => fc.option(spec, { nil: undefined, freq: 8 }))),
    states: fc.tuple(...IDS.map(() => state)),
    spillMs: fc.option(fc.constant(10_000), { nil: undefined }),
    excluded: fc.uniqueArray(
      fc.record({ model: fc.constantFrom(...IDS), cause: fc.constantFrom("context" as const, "check" as const, "transient" as const) }),
      { selector: (entry) => entry.model, maxLength: 3 },
    ),
    next: fc.option(entries, { nil: undefined, freq: 3 }),
    deny: fc.option(fc.uniqueArray(fc.constantFrom(...IDS), { maxLength: 2 }), { nil: undefined }),
    dataClass: fc.option(fc.constantFrom("pii", "unheard-of"), { nil: undefined, freq: 3 }),
    complexity: rates,
    row: fc.nat(1_000_000),
    needs: fc.record({
      inputTokens: fc.integer({ min: 0, max: 200 }),
      outputTokens: fc.integer({ min: 1, max: 100 }),
      jsonSchema: fc.boolean(),
    }),
  });

  function strategyOf(kind: Strategy["kind"], weights: readonly number[], steps: readonly Step[]): Strategy {
    switch (kind) {
      case "balanced":
        return { kind, quality: weights[0]!, cost: weights[1]!, speed: weights[2]! };
      case "weighted":
        return { kind, weights: weights.slice(0, steps.length) };
      case "complexity": {
        const middle = Math.ceil(steps.length / 2);
        const bands = [
          { upTo: 0.5, steps: steps.slice(0, middle) },
          { upTo: 1, steps: steps.slice(middle) },
        ];
        return { kind, bands };
      }
      default:
        return { kind };
    }
  }

  type Drawn = typeof world extends fc.Arbitrary<infer T> ? T : never;

  function build(drawn: Drawn) {
    const steps = drawn.steps.map((models) => toStep(models.length === 1 ? models[0]! : models));
    const strategy = strategyOf(drawn.kind, drawn.weights, steps);
    const route: Route = {
      strategy,
      steps,
      fallback: drawn.fallback.map(toStep),
      quality: {},
      ...(drawn.spillMs === undefined ? {} : { spillMs: drawn.spillMs }),
    };
    const specs = IDS.flatMap((id, i) => {
      const found = drawn.specs[i];
      if (!found) return [];
      const { contextWindow, jsonSchema, isBarred, isPriced, tier } = found;
      const price = { input: contextWindow, output: contextWindow * 4, cachedInput: 0, cacheWrite: 0 };
      return [
        modelSpec(id, {
          contextWindow,
          tier,
          capabilities: { jsonSchema, images: true, tools: true },
          barredFor: { pii: isBarred ? "it is in us" : null },
          ...(isPriced ? { price } : {}),
        }),
      ];
    });
    const progress: Progress = {
      ...freshProgress(0),
      excluded: drawn.excluded.map((entry) => ({ ...entry, reason: "seen" })),
      ...(drawn.next ? { next: drawn.next.map(toStep) } : {}),
    };
    const subject = subjectSpec({
      task: { route },
      job: { row: drawn.row, ...(drawn.deny ? { deny: drawn.deny } : {}), ...(drawn.dataClass ? { dataClass: drawn.dataClass } : {}) },
      progress,
      needs: drawn.needs,
      complexity: drawn.complexity,
    });
    const view = viewSpec(specs, Object.fromEntries(IDS.map((id, i) => [id, drawn.states[i]!])));

    // The oracle: the rules, one at a time.
    const specOf = (id: ModelId) => specs.find((model) => model.id === id);
    const overflown = Math.max(0, ...drawn.excluded.flatMap((e) => (e.cause === "context" ? (specOf(e.model)?.contextWindow ?? 0) : [])));
    const isAble = (step: Step) =>
      step.models.every((id) => {
        const model = specOf(id);
        if (!model || drawn.excluded.some((entry) => entry.model === id) || drawn.deny?.some((each) => each === id)) return false;
        if (drawn.dataClass === "unheard-of" || (drawn.dataClass === "pii" && model.barredFor["pii"] !== null)) return false;
        const fits = drawn.needs.inputTokens + drawn.needs.outputTokens <= model.contextWindow && model.contextWindow > overflown;
        return fits && (!drawn.needs.jsonSchema || model.capabilities.jsonSchema);
      });
    const stateOf = (step: Step, kind: Availability["kind"]) => step.models.some((id) => view.availability(id).kind === kind);
    return { subject, view, route, isAble, isFree: (step: Step) => !stateOf(step, "full") && !stateOf(step, "unavailable"), stateOf };
  }

  const check = (property: (built: ReturnType<typeof build>, drawn: Drawn) => void) =>
    fc.assert(
      fc.property(world, (drawn) => property(build(drawn), drawn)),
      { numRuns: 1_500 },
    );

  it("binds to able and available steps alone, and gives a reason for every other answer", () => {
    check(({ subject, view, isAble, isFree }) => {
      const binding = bind(subject, view);
      const isRight = binding.kind === "bound" ? isAble(binding.step) && isFree(binding.step) : binding.reasons.length > 0;
      expect(isRight).toBe(true);
      const reasons = binding.kind === "bound" ? [] : binding.reasons;
      expect(new Set(reasons.map((reason) => reason.split(": ")[0])).size).toBe(reasons.length);
    });
  });

  it("ends a job only where no step is able, and drops what comes before the route only where none of it is", () => {
    check(({ subject, view, route, isAble }, { excluded: exclusions }) => {
      const { next } = subject.progress;
      const steps = next ?? [...route.steps, ...route.fallback];
      const end = next ? { kind: "skipped" } : { kind: "dead", code: exclusions.length === 0 ? "no-model" : "exhausted" };
      const goesOn = { kind: expect.stringMatching(/^(bound|wait)$/) as string };
      expect(bind(subject, view)).toMatchObject(steps.some(isAble) ? goesOn : end);
    });
  });

  it("takes the first able step that is available, waiting for a full one before it unless that takes too long", () => {
    check(({ subject, view, isFree, stateOf }, { spillMs, next }) => {
      fc.pre(next === undefined);
      const order = rank(subject, view).map(({ step }) => step);
      fc.pre(order.length > 0);
      const reachable = order.filter((step) => !stateOf(step, "unavailable"));
      const waitMs = (step: Step) => Math.max(...step.models.map((id) => view.expectedWaitMs(id)));
      const decided = reachable.find((step) => isFree(step) || spillMs === undefined || waitMs(step) <= spillMs);
      const wait = { kind: "wait", cause: reachable.length > 0 ? "full" : "unavailable" };
      expect(bind(subject, view)).toMatchObject(decided && isFree(decided) ? { kind: "bound", step: decided } : wait);
    });
  });

  it("ranks each able step once and no other, the same each time, first choices before fallbacks and the demoted last", () => {
    check(({ subject, view, route, isAble }) => {
      const order = rank(subject, view);
      expect(rank(subject, view)).toEqual(order);
      const steps = order.map(({ step }) => step);
      const able = [...route.steps, ...route.fallback].filter(isAble);
      expect(steps.length).toBe(able.length);
      expect(new Set(steps)).toEqual(new Set(able));
      const isDemoted = (step: Step) => step.models.some((id) => view.isDemoted(subject.task.name, id));
      const group = (step: Step) => (isDemoted(step) ? 2 : 0) + (route.steps.includes(step) ? 0 : 1);
      const groups = steps.map(group);
      expect(groups).toEqual(groups.toSorted((a, b) => a - b));
      const fallbacks = steps.filter((step) => route.fallback.includes(step) && !isDemoted(step));
      expect(fallbacks).toEqual(route.fallback.filter((step) => isAble(step) && !isDemoted(step)));
      for (const { scores } of order) for (const value of Object.values(scores)) expect(value).not.toBeNaN();
    });
  });

  it("gives the reason for every model that it filters, and for no other", () => {
    check(({ subject, view, route, isAble }) => {
      const filter = createFilter(subject, view);
      for (const step of [...route.steps, ...route.fallback]) {
        expect(filter.isAble(step)).toBe(isAble(step));
        expect(step.models.some((id) => filter.whyUnable(id) !== undefined)).toBe(!isAble(step));
      }
    });
  });
});
