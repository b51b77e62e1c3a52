import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer, Outcome } from "../../src/job/outcome.ts";
import { freshProgress, type Progress } from "../../src/job/progress.ts";
import type { Step } from "../../src/job/task.ts";
import { bind } from "../../src/routing/bind.ts";
import { decidePart, decideStep, type Part } from "../../src/routing/decide.ts";
import { modelSpec, taskSpec } from "./specs.ts";

const task = taskSpec();
const progress = freshProgress(0);
const answer = (text: string, json?: Answer["json"]): Answer => ({
  text,
  ...(json === undefined ? {} : { json }),
  finish: { unified: "stop", raw: "stop" },
});
const answered = (text: string, json?: Answer["json"]): Outcome => ({ kind: "answered", answer: answer(text, json) });
const refused: Outcome = { kind: "refused", reason: "content filter" };
const transient: Outcome = { kind: "transient", reason: "HTTP 500" };
const unavailable: Outcome = { kind: "unavailable", scope: "provider", reason: "insufficient quota" };
const ONE: Step = { models: ["a/1"] };
const TWO: Step = { models: ["a/1", "b/2"] };
const half = () => 0.5;

function decide(step: Step, outcomes: readonly Outcome[], changes: { task?: Partial<typeof task>; progress?: Partial<Progress> } = {}) {
  const parts = outcomes.map((outcome, i): Part => ({ model: step.models[i] ?? "x/y", outcome }));
  return decideStep({ ...task, ...changes.task }, { ...progress, ...changes.progress }, step, parts);
}

describe("decidePart", () => {
  it("a throttled call is made again after its wait, without spending an attempt", () => {
    const outcome: Outcome = { kind: "throttled", waitMs: 30_000, source: "vendor", reason: "429" };
    expect(decidePart(task, "a/1", 99, outcome, half)).toEqual({ kind: "again", waitMs: 30_000, countsAttempt: false });
  });

  it("a wait above 30 seconds makes the model unavailable instead", () => {
    const outcome: Outcome = { kind: "throttled", waitMs: 30_001, source: "vendor", reason: "429" };
    expect(decidePart(task, "a/1", 0, outcome, half)).toEqual({
      kind: "over",
      outcome: { kind: "unavailable", scope: "model", reason: "a/1 asks for a wait: 429", openForMs: 30_001 },
    });
    expect(decidePart(task, "a/1", 0, { kind: "transient", reason: "503", retryAfterMs: 30_001 }, half)).toMatchObject({
      kind: "over",
      outcome: { kind: "unavailable", scope: "model", openForMs: 30_001 },
    });
  });

  it("a transient failure is tried again with growing waits until the attempts are used up", () => {
    const waits = [0, 1, 2].map((soFar) => decidePart(task, "a/1", soFar, transient, half));
    expect(waits).toEqual([750, 1_500, 3_000].map((waitMs) => ({ kind: "again", waitMs, countsAttempt: true })));
    expect(decidePart(task, "a/1", 3, transient, half)).toEqual({ kind: "over", outcome: transient });
    expect(decidePart({ ...task, attempts: 1 }, "a/1", 0, transient, half)).toMatchObject({ kind: "over" });
  });

  it("a transient failure waits at least as long as the vendor asks, and at most 30 seconds", () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.nat(30_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (soFar, retryAfterMs, random) => {
          const outcome: Outcome = { kind: "transient", reason: "overloaded", retryAfterMs };
          const decision = decidePart({ ...task, attempts: 100 }, "a/1", soFar, outcome, () => random);
          const waitMs = decision.kind === "again" ? decision.waitMs : Number.NaN;
          expect(waitMs).toBeGreaterThanOrEqual(Math.max(500, retryAfterMs));
          expect(waitMs).toBeLessThanOrEqual(30_000);
        },
      ),
    );
  });

  it("every other outcome is the part's last word", () => {
    const others: readonly Outcome[] = [
      answered("yes"),
      unavailable,
      { kind: "unfit", cause: "context", reason: "too long" },
      refused,
      { kind: "invalid", reason: "400" },
      { kind: "expired", reason: "deadline" },
      { kind: "cancelled", reason: "batch" },
    ];
    for (const outcome of others) expect(decidePart(task, "a/1", 0, outcome, half)).toEqual({ kind: "over", outcome });
  });
});

describe("decideStep, one call", () => {
  it("an answer is the job's answer", () => {
    expect(decide(ONE, [answered("yes")])).toEqual({ kind: "answer", model: "a/1", answer: answer("yes") });
  });

  it("used-up attempts exclude the model and the job is bound again", () => {
    expect(decide(ONE, [transient])).toEqual({
      kind: "rebind",
      progress: { ...progress, reroutes: 1, excluded: [{ model: "a/1", cause: "transient", reason: "HTTP 500" }] },
    });
  });

  it("an unavailable model is not excluded: the breaker keeps it away", () => {
    expect(decide(ONE, [unavailable])).toEqual({ kind: "rebind", progress: { ...progress, reroutes: 1 } });
  });

  it("an unfit model is excluded with its cause", () => {
    for (const cause of ["context", "capability", "check", "cut-off"] as const) {
      expect(decide(ONE, [{ kind: "unfit", cause, reason: "why" }])).toMatchObject({
        kind: "rebind",
        progress: { excluded: [{ model: "a/1", cause, reason: "why" }] },
      });
    }
  });

  it("a refusal ends the job by default", () => {
    expect(decide(ONE, [refused])).toEqual({ kind: "error", error: { code: "refused", message: "a/1 refused: content filter" } });
  });

  it("a refusal goes to another model where the task says so, and a second one ends the job", () => {
    const reroute = { task: { onRefusal: "reroute" as const } };
    expect(decide(ONE, [refused], reroute)).toMatchObject({
      kind: "rebind",
      progress: { refusals: 1, excluded: [{ model: "a/1", cause: "refused" }] },
    });
    expect(decide(ONE, [refused], { ...reroute, progress: { refusals: 1 } })).toMatchObject({ kind: "error", error: { code: "refused" } });
  });

  it("invalid, expired and cancelled end the job", () => {
    for (const kind of ["invalid", "expired", "cancelled"] as const) {
      expect(decide(ONE, [{ kind, reason: "why" }])).toEqual({ kind: "error", error: { code: kind, message: "why" } });
    }
  });

  it("what the job met before stays with it", () => {
    const before = { excluded: [{ model: "z/9" as ModelId, cause: "check" as const, reason: "prose" }], reroutes: 4 };
    expect(decide(ONE, [transient], { progress: before })).toMatchObject({
      progress: { reroutes: 5, excluded: [{ model: "z/9" }, { model: "a/1" }] },
    });
  });
});

describe("decideStep, calls side by side", () => {
  it("equal JSON answers are the first one's, whatever the order of their keys", () => {
    expect(decide(TWO, [answered("1", { label: "x", score: 1 }), answered("2", { score: 1, label: "x" })])).toMatchObject({
      kind: "answer",
      model: "a/1",
      answer: { text: "1" },
    });
  });

  it("different JSON answers exclude both models as disagreed", () => {
    expect(decide(TWO, [answered("1", { label: "x" }), answered("2", { label: "y" })])).toMatchObject({
      kind: "rebind",
      progress: {
        reroutes: 1,
        excluded: [
          { model: "a/1", cause: "disagreed", reason: "a/1 and b/2 disagreed" },
          { model: "b/2", cause: "disagreed" },
        ],
      },
    });
  });

  it("only the named field is compared where the step names one", () => {
    const parts = [answered("1", { label: "x", why: "because" }), answered("2", { label: "x", why: "so" })];
    expect(decide({ ...TWO, agreeOn: "label" }, parts)).toMatchObject({ kind: "answer" });
    expect(decide({ ...TWO, agreeOn: "why" }, parts)).toMatchObject({ kind: "rebind" });
  });

  it("answers without JSON are compared as trimmed text", () => {
    expect(decide(TWO, [answered("yes\n"), answered(" yes")])).toMatchObject({ kind: "answer", answer: { text: "yes\n" } });
    expect(decide(TWO, [answered("yes"), answered("no")])).toMatchObject({ kind: "rebind" });
  });

  it("an unavailable part sends the job back without excluding the one that answered", () => {
    expect(decide(TWO, [answered("yes"), unavailable])).toEqual({ kind: "rebind", progress: { ...progress, reroutes: 1 } });
  });

  it("only the part that failed is excluded", () => {
    expect(decide(TWO, [answered("yes"), transient])).toMatchObject({ progress: { excluded: [{ model: "b/2", cause: "transient" }] } });
    expect(decide(TWO, [unavailable, { kind: "unfit", cause: "check", reason: "prose" }])).toMatchObject({
      progress: { excluded: [{ model: "b/2", cause: "check" }] },
    });
  });

  it("two refusals at once are two models' refusals", () => {
    const reroute = { task: { onRefusal: "reroute" as const } };
    expect(decide(TWO, [refused, answered("yes")], reroute)).toMatchObject({ kind: "rebind", progress: { refusals: 1 } });
    expect(decide(TWO, [refused, refused], reroute)).toMatchObject({ kind: "error", error: { code: "refused" } });
  });

  it("cancelled, then expired, then invalid dominate whatever else happened", () => {
    const invalid: Outcome = { kind: "invalid", reason: "400" };
    const expired: Outcome = { kind: "expired", reason: "late" };
    const cancelled: Outcome = { kind: "cancelled", reason: "stop" };
    expect(decide(TWO, [answered("yes"), invalid])).toMatchObject({ error: { code: "invalid" } });
    expect(decide(TWO, [invalid, expired])).toMatchObject({ error: { code: "expired" } });
    expect(decide(TWO, [expired, cancelled])).toMatchObject({ error: { code: "cancelled" } });
    expect(decide(TWO, [refused, cancelled])).toMatchObject({ error: { code: "cancelled" } });
  });

  it("agreement is equality of JSON values, in either order of the parts", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (left, right) => {
        const [a, b] = [left, right].map((value) => JSON.parse(JSON.stringify(value)) as NonNullable<Answer["json"]>);
        const there = decide(TWO, [answered("1", a), answered("2", b)]).kind;
        const back = decide(TWO, [answered("1", b), answered("2", a)]).kind;
        const same = decide(TWO, [answered("1", a), answered("2", structuredClone(a))]).kind;
        expect([there, same]).toEqual([back, "answer"]);
      }),
    );
  });
});

describe("bind and decide together", () => {
  const MODELS: readonly ModelId[] = ["a/1", "b/2", "c/3", "d/4"];
  const outcome = fc.constantFrom<Outcome>(
    transient,
    refused,
    { kind: "unfit", cause: "context", reason: "too long" },
    { kind: "unfit", cause: "check", reason: "prose" },
    { kind: "unfit", cause: "cut-off", reason: "length" },
    answered("yes", { label: "x" }),
    answered("no", { label: "y" }),
  );

  it("a job whose models are available ends after at most one visit to each step, and never returns to an excluded model", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.constantFrom(...MODELS), { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 6 }),
        fc.array(outcome, { minLength: 20, maxLength: 20 }),
        fc.constantFrom("fail" as const, "reroute" as const),
        (route, script, onRefusal) => {
          const subjectTask = taskSpec({ route: route.map((models) => ({ models })), onRefusal });
          const outcomes = script.values();
          const needs = { inputTokens: 10, outputTokens: 10, jsonSchema: false };
          const view = { model: (id: ModelId) => modelSpec(id), availability: () => ({ kind: "available" }) as const };
          let state: Progress = progress;
          let end: string | undefined;
          for (let visits = 0; end === undefined; visits++) {
            expect(visits).toBeLessThanOrEqual(route.length);
            const binding = bind({ task: subjectTask, progress: state, needs }, view);
            if (binding.kind !== "bound") {
              end = binding.kind;
              break;
            }
            const excluded = new Set(state.excluded.map((entry) => entry.model));
            expect(binding.step.models.filter((model) => excluded.has(model))).toEqual([]);
            const parts = binding.step.models.map((model): Part => ({ model, outcome: outcomes.next().value ?? answered("end") }));
            const decision = decideStep(subjectTask, state, binding.step, parts);
            if (decision.kind === "rebind") state = decision.progress;
            else end = decision.kind;
          }
          expect(["dead", "answer", "error"]).toContain(end);
        },
      ),
    );
  });
});
