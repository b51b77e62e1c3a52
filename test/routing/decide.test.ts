import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JudgeSpec, OnFail } from "../../src/job/check-spec.ts";
import type { JsonValue } from "../../src/job/json.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer, Outcome } from "../../src/job/outcome.ts";
import { freshProgress, type Progress } from "../../src/job/progress.ts";
import type { Step, TaskSpec } from "../../src/job/task.ts";
import { afterSkip, beforeStep, decideStep } from "../../src/routing/decide.ts";
import type { Part } from "../../src/routing/sorted-parts.ts";
import { taskSpec } from "./specs.ts";

const progress = freshProgress(0);
const answer = (text: string, json?: JsonValue): Answer => ({
  text,
  ...(json === undefined ? {} : { json }),
  finish: { unified: "stop", raw: "stop" },
});
const answered = (text: string, json?: JsonValue): Outcome => ({ kind: "answered", answer: answer(text, json) });
const failing = (onFail: OnFail, text = "prose"): Outcome => ({
  kind: "unfit",
  cause: "check",
  reason: "it is no JSON",
  onFail,
  answer: answer(text),
});
const verdictOf = (score: number): Outcome => answered("", { score, reason: "so so" });
const refused: Outcome = { kind: "refused", reason: "content filter" };
const transient: Outcome = { kind: "transient", reason: "HTTP 500" };
const unavailable: Outcome = { kind: "unavailable", scope: "provider", reason: "insufficient quota" };
const ENDINGS = ["invalid", "expired", "cancelled"] as const;

const ONE: Step = { models: ["a/1"] };
const TWO: Step = { models: ["a/1", "b/2"], agree: {} };
const THREE: Step = { models: ["a/1", "b/2", "c/3"], agree: { on: ["label"], need: 2 } };
const judging = (model: ModelId): Step => ({ models: [model], purpose: "judge" });
const JUDGE: JudgeSpec = { models: ["a/2", "b/2", "a/1", "c/3"], rubric: "Is it right?", passMark: 7, sample: 1, onFail: "escalate" };

interface Changes {
  readonly task?: Partial<TaskSpec>;
  readonly progress?: Partial<Progress>;
  readonly isJudged?: boolean;
  readonly isTrial?: boolean;
}

function decide(step: Step, outcomes: readonly Outcome[], { task, progress: met, isJudged = false, isTrial = false }: Changes = {}) {
  const parts = outcomes.map((outcome, i): Part => ({ model: step.models[i]!, outcome }));
  return decideStep({ task: taskSpec(task), progress: { ...progress, ...met }, step, parts, isJudged, isTrial });
}

/** What runs next, by model and purpose. */
const nextOf = (decision: ReturnType<typeof decide>) =>
  decision.kind === "rebind" ? decision.progress.next?.map(({ models, purpose }) => `${models.join("+")} ${purpose}`) : decision;

describe("a step of one call", () => {
  it("whose model answers: that is the job's answer", () => {
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
    for (const cause of ["context", "capability", "cut-off", "policy"] as const) {
      expect(decide(ONE, [{ kind: "unfit", cause, reason: "why" }])).toMatchObject({
        kind: "rebind",
        progress: { excluded: [{ model: "a/1", cause, reason: "why" }], reroutes: 1 },
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
    for (const kind of ENDINGS) {
      expect(decide(ONE, [{ kind, reason: "why" }])).toEqual({ kind: "error", error: { code: kind, message: "why" } });
    }
  });

  it("what the job met before stays with it, and a model is excluded once for each cause", () => {
    const before = { excluded: [{ model: "z/9" as ModelId, cause: "check" as const, reason: "prose" }], reroutes: 4 };
    expect(decide(ONE, [transient], { progress: before })).toMatchObject({
      progress: { reroutes: 5, excluded: [{ model: "z/9" }, { model: "a/1" }] },
    });
    expect(decide({ models: ["z/9"] }, [failing("escalate")], { progress: before })).toMatchObject({
      progress: { excluded: before.excluded },
    });
    expect(decide({ models: ["z/9"] }, [transient], { progress: before })).toMatchObject({
      progress: { excluded: [...before.excluded, { model: "z/9", cause: "transient" }] },
    });
  });
});

describe("an answer that fails a check", () => {
  it("escalate: its model is excluded, with the reason", () => {
    expect(decide(ONE, [failing("escalate")])).toEqual({
      kind: "rebind",
      progress: { ...progress, reroutes: 1, excluded: [{ model: "a/1", cause: "check", reason: "it is no JSON" }] },
    });
  });

  it("fail: the row ends without an answer, and says which model failed and why", () => {
    expect(decide(ONE, [failing("fail")])).toEqual({ kind: "error", error: { code: "unfit", message: "a/1: it is no JSON" } });
  });

  it("repair: the same model is asked once more, with its answer and the reason, and is not excluded", () => {
    expect(decide(ONE, [failing("repair")])).toEqual({
      kind: "rebind",
      progress: {
        ...progress,
        next: [{ models: ["a/1"], purpose: "repair" }],
        held: { model: "a/1", answer: answer("prose"), reason: "it is no JSON" },
        repaired: ["a/1"],
      },
    });
  });

  const repair: Step = { models: ["a/1"], purpose: "repair" };
  const repairing = { held: { model: "a/1" as ModelId, answer: answer("prose"), reason: "it is no JSON" }, repaired: ["a/1" as ModelId] };

  it("is the job's answer once it is repaired", () => {
    expect(decide(repair, [answered("yes")], { progress: repairing })).toEqual({ kind: "answer", model: "a/1", answer: answer("yes") });
  });

  it("is not repaired twice: then its model is excluded, and nothing is held any more", () => {
    const decision = decide(repair, [failing("repair", "prose again")], { progress: repairing });
    expect(decision).toMatchObject({ kind: "rebind", progress: { reroutes: 1, excluded: [{ model: "a/1", cause: "check" }] } });
    expect(decision).not.toHaveProperty("progress.held");
    expect(decision).not.toHaveProperty("progress.next");
  });

  it("whose repair fails as a call goes on as any call would, without what was held", () => {
    expect(decide(repair, [transient], { progress: repairing })).toMatchObject({
      progress: { excluded: [{ model: "a/1", cause: "transient" }] },
    });
    expect(decide(repair, [unavailable], { progress: repairing })).toEqual({
      kind: "rebind",
      progress: { ...progress, reroutes: 1, repaired: ["a/1"] },
    });
    expect(decide(repair, [refused], { progress: repairing })).toMatchObject({ kind: "error", error: { code: "refused" } });
    expect(decide(repair, [failing("fail")], { progress: repairing })).toMatchObject({ kind: "error", error: { code: "unfit" } });
  });

  it("may be repaired by each of the route's models", () => {
    expect(decide({ models: ["b/2"] }, [failing("repair")], { progress: { repaired: ["a/1"] } })).toMatchObject({
      progress: { repaired: ["a/1", "b/2"], next: [{ models: ["b/2"], purpose: "repair" }] },
    });
  });

  it("in a trial ends the row, whatever the check says, but for a repair: nothing leads on", () => {
    for (const onFail of ["escalate", "fail"] as const) {
      expect(decide(ONE, [failing(onFail)], { isTrial: true })).toMatchObject({ kind: "error", error: { code: "unfit" } });
    }
    expect(decide(ONE, [failing("repair")], { isTrial: true })).toMatchObject({
      kind: "rebind",
      progress: { next: [{ purpose: "repair" }] },
    });
    const again = decide(ONE, [failing("repair")], { isTrial: true, progress: { repaired: [...ONE.models] } });
    expect(again).toMatchObject({ kind: "error", error: { code: "unfit" } });
    expect(decide(ONE, [answered("yes")], { isTrial: true })).toMatchObject({ kind: "answer" });
  });
});

describe("a step of several calls", () => {
  it("equal JSON answers are the first one's, whatever the order of their keys", () => {
    expect(decide(TWO, [answered("1", { label: "x", score: 1 }), answered("2", { score: 1, label: "x" })])).toEqual({
      kind: "answer",
      model: "a/1",
      answer: answer("1", { label: "x", score: 1 }),
    });
  });

  it("different answers exclude all of its models as disagreed, naming the fields", () => {
    const parts = [answered("1", { label: "x" }), answered("2", { label: "y" })];
    expect(decide({ ...TWO, agree: { on: ["label"] } }, parts)).toMatchObject({
      kind: "rebind",
      progress: {
        reroutes: 1,
        excluded: [
          { model: "a/1", cause: "disagreed", reason: 'a/1 and b/2 disagreed on "label"' },
          { model: "b/2", cause: "disagreed", reason: 'a/1 and b/2 disagreed on "label"' },
        ],
      },
    });
  });

  it("only the named fields are compared where the step names them", () => {
    const parts = [answered("1", { label: "x", why: "because" }), answered("2", { label: "x", why: "so" })];
    expect(decide({ ...TWO, agree: { on: ["label"] } }, parts)).toMatchObject({ kind: "answer" });
    expect(decide({ ...TWO, agree: { on: ["label", "why"] } }, parts)).toMatchObject({ kind: "rebind" });
  });

  it("two of three that agree are enough where two are needed, and the odd one out excludes nobody", () => {
    const parts = [answered("1", { label: "x" }), answered("2", { label: "y" }), answered("3", { label: "y" })];
    expect(decide(THREE, parts)).toMatchObject({ kind: "answer", model: "b/2" });
    expect(decide({ ...THREE, agree: { on: ["label"] } }, parts)).toMatchObject({
      kind: "rebind",
      progress: { excluded: [{ cause: "disagreed" }, { cause: "disagreed" }, { cause: "disagreed" }] },
    });
  });

  it.each<[string, Outcome]>([
    ["that failed its check", failing("escalate")],
    ["that was to be repaired", failing("repair")],
    ["whose row was to end", failing("fail")],
    ["that timed out", transient],
    ["that was unavailable", unavailable],
  ])("a part %s stands in the way of no agreement of enough others", (_what, odd) => {
    const equal = answered("1", { label: "x" });
    expect(decide(THREE, [odd, equal, equal])).toMatchObject({ kind: "answer", model: "b/2" });
    expect(decide(THREE, [equal, equal, odd])).toMatchObject({ kind: "answer", model: "a/1" });
  });

  it("where not enough agree, only the part that failed is excluded: nobody disagreed with a missing answer", () => {
    expect(decide(TWO, [answered("yes"), transient])).toMatchObject({ progress: { excluded: [{ model: "b/2", cause: "transient" }] } });
    expect(decide(TWO, [answered("yes"), failing("repair")])).toMatchObject({ progress: { excluded: [{ model: "b/2", cause: "check" }] } });
    expect(decide(TWO, [unavailable, failing("escalate")])).toMatchObject({ progress: { excluded: [{ model: "b/2", cause: "check" }] } });
    expect(decide(TWO, [answered("yes"), unavailable])).toEqual({ kind: "rebind", progress: { ...progress, reroutes: 1 } });
    expect(decide(THREE, [answered("1", { label: "x" }), answered("2", { label: "y" }), transient])).toMatchObject({
      progress: { excluded: [{ model: "c/3", cause: "transient" }] },
    });
  });

  it("where not enough agree, a check that is to end the row ends it", () => {
    expect(decide(TWO, [answered("yes"), failing("fail")])).toMatchObject({
      kind: "error",
      error: { code: "unfit", message: "b/2: it is no JSON" },
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

  it("whether two agree doesn't depend on their order, and everyone agrees with itself", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (left, right) => {
        const [a, b] = [left, right].map((value) => JSON.parse(JSON.stringify(value)) as JsonValue) as [JsonValue, JsonValue];
        const there = decide(TWO, [answered("1", a), answered("2", b)]).kind;
        const back = decide(TWO, [answered("1", b), answered("2", a)]).kind;
        const same = decide(TWO, [answered("1", a), answered("2", structuredClone(a))]).kind;
        expect([there, same]).toEqual([back, "answer"]);
      }),
    );
  });
});

describe("an answer that is to be judged", () => {
  const judged = { isJudged: true, task: { judge: JUDGE } };

  it("is held, and goes to the judges: other vendors' first, its own vendor's last, never to itself", () => {
    const decision = decide(ONE, [answered("yes")], judged);
    expect(nextOf(decision)).toEqual(["b/2 judge", "c/3 judge", "a/2 judge"]);
    expect(decision).toMatchObject({ progress: { held: { model: "a/1", answer: answer("yes") }, reroutes: 0, excluded: [] } });
  });

  it("is never judged by a model that agreed with it", () => {
    const decision = decide(THREE, [answered("1", { label: "x" }), answered("2", { label: "x" }), answered("3", { label: "y" })], judged);
    expect(nextOf(decision)).toEqual(["c/3 judge", "a/2 judge"]);
    expect(decision).toMatchObject({ progress: { held: { model: "a/1", alike: ["b/2"] } } });
  });

  it("excludes its model where nobody but itself could judge it", () => {
    const alone = { isJudged: true, task: { judge: { ...JUDGE, models: ["a/1" as ModelId] } } };
    expect(decide(ONE, [answered("yes")], alone)).toMatchObject({
      kind: "rebind",
      progress: { excluded: [{ model: "a/1", cause: "judged" }] },
    });
  });

  it("is not held where the row isn't among those judged", () => {
    expect(decide(ONE, [answered("yes")], { task: { judge: JUDGE } })).toMatchObject({ kind: "answer" });
  });

  it("is judged anew when it was repaired", () => {
    const repairing = { held: { model: "a/1" as ModelId, answer: answer("no"), reason: "too short" }, repaired: ["a/1" as ModelId] };
    const decision = decide({ models: ["a/1"], purpose: "repair" }, [answered("yes")], { ...judged, progress: repairing });
    expect(decision).toMatchObject({ progress: { held: { answer: answer("yes") } } });
    expect(decision).not.toHaveProperty("progress.held.reason");
    expect(nextOf(decision)?.[0 as never]).toBe("b/2 judge");
  });
});

describe("a judgement", () => {
  const held = { model: "a/1" as ModelId, answer: answer("yes") };
  const judge = (outcome: Outcome, changes: Changes & { readonly judge?: Partial<JudgeSpec>; readonly by?: ModelId } = {}) =>
    decide(judging(changes.by ?? "b/2"), [outcome], {
      isJudged: true,
      ...changes,
      task: { judge: { ...JUDGE, ...changes.judge } },
      progress: { held, ...changes.progress },
    });

  it("of the pass mark or more makes the held answer the job's, under the name of who gave it", () => {
    for (const score of [7, 10]) expect(judge(verdictOf(score))).toEqual({ kind: "answer", ...held });
  });

  it("below it excludes who gave the answer, with the judge's words, and what was held is gone", () => {
    const decision = judge(verdictOf(6));
    expect(decision).toEqual({
      kind: "rebind",
      progress: {
        ...progress,
        reroutes: 1,
        excluded: [{ model: "a/1", cause: "judged", reason: "b/2 gave it 6 of 10, and 7 are needed: so so" }],
      },
    });
  });

  it("below it, by the judge's onFail: repair once with the judge's reason, then escalate", () => {
    const decision = judge(verdictOf(2), { judge: { onFail: "repair" } });
    expect(nextOf(decision)).toEqual(["a/1 repair"]);
    expect(decision).toMatchObject({
      progress: { held: { ...held, reason: expect.stringContaining("so so") as string }, repaired: ["a/1"], excluded: [] },
    });
    expect(judge(verdictOf(2), { judge: { onFail: "repair" }, progress: { repaired: ["a/1"] } })).toMatchObject({
      progress: { excluded: [{ model: "a/1", cause: "judged" }] },
    });
  });

  it("below it, by the judge's onFail: fail ends the row; so it does in a trial, which keeps the answer", () => {
    const error = { kind: "error", error: { code: "unfit", message: expect.stringMatching(/^a\/1: b\/2 gave it 2 of 10/) as string } };
    expect(judge(verdictOf(2), { judge: { onFail: "fail" } })).toEqual(error);
    const told = { ...error, unpassed: held.answer };
    expect(judge(verdictOf(2), { judge: { onFail: "escalate" }, isTrial: true })).toEqual(told);
    expect(judge(verdictOf(2), { judge: { onFail: "repair" }, isTrial: true })).toMatchObject({
      progress: { next: [{ purpose: "repair" }] },
    });
    expect(judge(verdictOf(2), { judge: { onFail: "repair" }, isTrial: true, progress: { repaired: ["a/1"] } })).toEqual(told);
  });

  it.each<[string, Outcome, readonly string[]]>([
    ["refuses", refused, ["b/2 refused"]],
    ["times out", transient, ["b/2 transient"]],
    ["finds the request invalid", { kind: "invalid", reason: "400" }, ["b/2 capability"]],
    ["may not see the job", { kind: "unfit", cause: "policy", reason: "pii" }, ["b/2 policy"]],
    ["is unavailable", unavailable, []],
    ["gives no verdict: its trail says so, and it may still answer", failing("escalate", "fine!"), []],
  ])("that %s is no judgement: the answer is still held, for the other judges", (_what, outcome, excluded) => {
    const decision = judge(outcome);
    expect(nextOf(decision)).toEqual(["b/2 judge", "c/3 judge", "a/2 judge"]);
    expect(decision).toMatchObject({ progress: { held, refusals: 0, reroutes: 0 } });
    expect(decision.kind === "rebind" && decision.progress.excluded.map(({ model, cause }) => `${model} ${cause}`)).toEqual(excluded);
  });

  it("by a model that answered badly itself excludes it once more when it fails as a judge: else it would be asked for ever", () => {
    const excluded = [{ model: "b/2" as ModelId, cause: "judged" as const, reason: "poor" }];
    expect(judge(transient, { progress: { excluded } })).toMatchObject({
      progress: { excluded: [...excluded, { model: "b/2", cause: "transient" }] },
    });
  });

  it("isn't asked of a model that agreed with the answer, after another judge has failed either", () => {
    expect(nextOf(judge(transient, { by: "c/3", progress: { held: { ...held, alike: ["b/2"] } } }))).toEqual(["c/3 judge", "a/2 judge"]);
  });

  it("cut off by the end of its job ends it", () => {
    for (const kind of ["cancelled", "expired"] as const) {
      expect(judge({ kind, reason: "why" })).toEqual({ kind: "error", error: { code: kind, message: "why" } });
    }
  });

  it("of nothing, or of a task that has no judge any more, lets the job begin again", () => {
    expect(decide(judging("b/2"), [verdictOf(9)], { task: { judge: JUDGE } })).toMatchObject({
      kind: "rebind",
      progress: { excluded: [] },
    });
    const decision = decide(judging("b/2"), [verdictOf(9)], { progress: { held } });
    expect(decision).toEqual({ kind: "rebind", progress: { ...progress, reroutes: 1 } });
  });
});

describe("an analysis asked of a model", () => {
  const ask: Step = { models: ["c/3"], purpose: "analyse" };

  it("is taken with its reason, and the route is still to come", () => {
    expect(decide(ask, [answered("", { complexity: 0.2, reason: "a lookup" })])).toEqual({
      kind: "rebind",
      progress: { ...progress, analysis: { complexity: 0.2, reasons: ["a model was asked: a lookup"] } },
    });
  });

  it.each<[string, Outcome]>([
    ["names no complexity", answered("hard", { complexity: 7 })],
    ["fails its check", failing("escalate")],
    ["is refused", refused],
    ["times out", transient],
    ["is unavailable", unavailable],
    ["is invalid", { kind: "invalid", reason: "400" }],
  ])("that %s counts as middling, and excludes nobody from answering", (_what, outcome) => {
    expect(decide(ask, [outcome])).toMatchObject({
      kind: "rebind",
      progress: { analysis: { complexity: 0.5, reasons: [expect.stringContaining("middling") as string] }, excluded: [], refusals: 0 },
    });
  });

  it("cut off by the end of its job ends it", () => {
    expect(decide(ask, [{ kind: "cancelled", reason: "why" }])).toMatchObject({ kind: "error", error: { code: "cancelled" } });
  });
});

describe("what can't come next is left out", () => {
  const held = { model: "a/1" as ModelId, answer: answer("yes"), reason: "too short" };
  const skip = (step: Step, changes: Partial<Progress> = {}) =>
    afterSkip({ ...progress, next: [step], ...changes }, ["x/1: down", "y/1: down"]);

  it("an analysis: middling, for these reasons", () => {
    expect(skip({ models: ["c/3"], purpose: "analyse" })).toMatchObject({
      analysis: { complexity: 0.5, reasons: [expect.stringContaining("x/1: down; y/1: down") as string] },
    });
  });

  it("a judgement: who gave the answer is excluded, for it could not be judged", () => {
    expect(skip(judging("b/2"), { held })).toEqual({
      ...progress,
      excluded: [{ model: "a/1", cause: "judged", reason: "nobody could judge its answer: x/1: down; y/1: down" }],
    });
  });

  it("a repair: who gave the answer is excluded by the check that failed", () => {
    expect(skip({ models: ["a/1"], purpose: "repair" }, { held })).toEqual({
      ...progress,
      excluded: [{ model: "a/1", cause: "check", reason: "too short" }],
    });
  });

  it("and never comes again of itself", () => {
    for (const purpose of ["analyse", "judge", "repair"] as const) {
      expect(skip({ models: ["a/1"], purpose }, { held })).not.toHaveProperty("next");
    }
  });
});

describe("a job that is taken out of a queue before its call", () => {
  const held = { model: "a/1" as ModelId, answer: answer("yes") };

  it("needs nothing where its route knows the step", () => {
    expect(beforeStep(progress, ONE, taskSpec())).toBe(progress);
  });

  it("still has its repair or analysis to come", () => {
    for (const purpose of ["repair", "analyse"] as const) {
      const step: Step = { models: ["a/1"], purpose };
      expect(beforeStep({ ...progress, held }, step, taskSpec())).toEqual({ ...progress, held, next: [step] });
    }
  });

  it("still has its judgement to come, by any of its judges: the one whose queue it lay in may be gone", () => {
    const back = beforeStep({ ...progress, held }, judging("b/2"), taskSpec({ judge: JUDGE }));
    expect(back.next?.flatMap(({ models }) => models)).toEqual(["b/2", "c/3", "a/2"]);
    expect(back.held).toBe(held);
    expect(beforeStep({ ...progress, held }, judging("b/2"), undefined).next).toEqual([judging("b/2")]);
  });
});
