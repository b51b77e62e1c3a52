// Random lives of jobs: the real binder and the real decisions, with models that answer, fail, refuse and go away as chance has it.
//
// Played are the places where a job's progress changes hands: binder → step → outcomes → decision → binder. Between any two of them the progress goes through JSON, as it does
// through the queues, and now and then the job is taken out of its queue before its call.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CallEnvelope, Envelope } from "../../queues/payload.ts";
import type { QueueSet } from "../../queues/queue-set.ts";
import type { CheckSpec, JudgeSpec, OnFail } from "../../src/job/check-spec.ts";
import type { Job } from "../../src/job/job.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Answer, Outcome } from "../../src/job/outcome.ts";
import { freshProgress, type Progress } from "../../src/job/progress.ts";
import type { Route, Step, TaskSpec } from "../../src/job/task.ts";
import type { Purpose, TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { beforeStep, decideStep, type Decision } from "../../src/routing/decide.ts";
import type { Part } from "../../src/routing/sorted-parts.ts";
import { createBinder } from "../../workers/binder.ts";
import { jobSpec, modelSpec, taskSpec, viewSpec } from "./specs.ts";

const MODELS: readonly ModelId[] = ["a/1", "a/2", "b/1", "b/2", "c/1"];
/** How often a model may go away, and a job be taken out of a queue: after that the world is calm. */
const MOST_TROUBLES = 4;

/** How a call ends. `away`: the model has become unavailable. */
type Ending = "x" | "y" | "nothing" | OnFail | "context" | "cut-off" | "policy" | "transient" | "refused" | "invalid" | "expired" | "away";

interface Play {
  readonly task: TaskSpec;
  readonly job: Job;
  readonly isJudged: boolean;
  /** Models that may not see jobs of the class `pii`. */
  readonly barred: readonly ModelId[];
  /** What happens at each call: its ending, and the score or complexity that is said. */
  readonly calls: readonly { readonly ending: Ending; readonly score: number }[];
  /** Which bindings are followed by a pause. */
  readonly pauses: readonly boolean[];
}

const someModels = (minLength = 1, maxLength = 3) => fc.uniqueArray(fc.constantFrom(...MODELS), { minLength, maxLength });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...MODELS).map((model): Step => ({ models: [model] })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(someModels(2, 3), fc.boolean())
      .map(([models, isMajority]): Step => ({ models, agree: { on: ["label"], ...(isMajority ? { need: 2 } : {}) } })),
  },
);
const onFail = fc.constantFrom<OnFail>("repair", "escalate", "fail");
const route = fc
  .tuple(
    fc.array(step, { minLength: 1, maxLength: 4 }),
    fc.array(step, { maxLength: 2 }),
    fc.constantFrom("ordered", "best", "cheapest", "soonest"),
  )
  .map(([steps, fallback, kind]): Route => ({ strategy: { kind: kind as "ordered" }, steps, fallback, quality: {} }));
const judge = fc
  .tuple(someModels(1, 4), onFail)
  .map(([models, failed]): JudgeSpec => ({ models, rubric: "Is it right?", passMark: 7, sample: 1, onFail: failed }));
const job = fc
  .record({
    deny: fc.option(someModels(0, 2), { nil: undefined }),
    allow: fc.option(someModels(2, 5), { nil: undefined }),
    dataClass: fc.option(fc.constant("pii"), { nil: undefined }),
    trial: fc.constantFrom(undefined, undefined, undefined, "checked" as const, "judged" as const),
  })
  // A trial names its models.
  .map((terms) => jobSpec(JSON.parse(JSON.stringify(terms.allow ? terms : { ...terms, trial: undefined })) as Partial<Job>));
const checks: readonly CheckSpec[] = [{ kind: "schema", onFail: "repair" }];

const play: fc.Arbitrary<Play> = fc
  .record({
    route,
    judge: fc.option(judge, { nil: undefined }),
    analyst: fc.option(fc.constantFrom(...MODELS), { nil: undefined }),
    onRefusal: fc.constantFrom("fail" as const, "reroute" as const),
    job,
    isSampled: fc.boolean(),
    barred: someModels(0, 3),
    calls: fc.array(
      fc.record({
        ending: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom<Ending>("x", "y", "nothing") },
          { weight: 4, arbitrary: onFail },
          { weight: 5, arbitrary: fc.constantFrom<Ending>("context", "cut-off", "policy", "transient", "refused", "away") },
          { weight: 1, arbitrary: fc.constantFrom<Ending>("invalid", "expired") },
        ),
        score: fc.integer({ min: 0, max: 10 }),
      }),
      { minLength: 5, maxLength: 40 },
    ),
    pauses: fc.array(fc.boolean(), { minLength: 3, maxLength: 12 }),
  })
  .map(({ judge: judged, analyst, onRefusal, isSampled, ...rest }) => ({
    ...rest,
    task: taskSpec({
      route: rest.route,
      checks,
      onRefusal,
      ...(judged ? { judge: judged } : {}),
      ...(analyst === undefined ? {} : { analyse: { kind: "model", model: analyst } as const }),
    }),
    isJudged: judged !== undefined && (rest.job.trial === undefined ? isSampled : rest.job.trial === "judged"),
  }));

/** One call that a play made, with what the job knew before it. */
interface Made {
  readonly step: Step;
  readonly model: ModelId;
  readonly progress: Progress;
  readonly outcome: Outcome;
}

interface Played {
  readonly end: Exclude<Decision, { readonly kind: "rebind" }> | { readonly kind: "dead"; readonly reasons: readonly string[] };
  readonly calls: readonly Made[];
}

async function playOut({ task, job: played, isJudged, barred, calls: script, pauses }: Play): Promise<Played> {
  const away = new Set<ModelId>();
  const bound: CallEnvelope[] = [];
  const models = MODELS.map((id) => modelSpec(id, { barredFor: { pii: barred.includes(id) ? "it may not" : null } }));
  const binder = createBinder({
    tasks: new Map([[task.name, task]]),
    queues: { addCalls: async (added: readonly CallEnvelope[]) => void bound.push(...added) } as unknown as QueueSet,
    view: {
      ...viewSpec(models),
      availability: (id) => (away.has(id) ? { kind: "unavailable", reason: "gone" } : { kind: "available" }),
      added: () => undefined,
      changed: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    },
  });
  const calls: Made[] = [];
  let troubles = 0;
  let envelope: Envelope = { job: played, hop: 0, round: 0, progress: freshProgress(0) };
  const goOn = (progress: Progress) => {
    envelope = JSON.parse(JSON.stringify({ ...envelope, hop: envelope.hop + 1, progress })) as Envelope;
  };

  for (;;) {
    if (envelope.hop > mostCalls(task) + 3 * MOST_TROUBLES)
      throw new Error(`it goes round in circles: ${JSON.stringify(envelope.progress)}`);
    const placed = await binder.place(envelope);
    if (placed.kind === "dead") return { end: placed, calls };
    if (placed.kind === "wait") {
      if (away.size === 0) throw new Error(`it waits although every model is there: ${placed.reasons.join()}`);
      away.clear();
      continue;
    }
    const { step: taken, progress } = bound.pop()!;
    if (troubles < MOST_TROUBLES && pauses[envelope.hop % pauses.length] && taken.models.length === 1) {
      troubles++;
      goOn(beforeStep(progress, taken, task));
      continue;
    }
    const parts = taken.models.map((model): Part & { readonly entry: TrailEntry | undefined } => {
      const { ending, score } = script[calls.length % script.length]!;
      const outcome = outcomeOf(ending === "away" && ++troubles > MOST_TROUBLES ? "transient" : ending, taken.purpose, score);
      if (outcome.kind === "unavailable") away.add(model);
      calls.push({ step: taken, model, progress, outcome });
      return { model, outcome, entry: entryOf(taken, model, outcome, calls.length) };
    });
    const met = { ...progress, trail: [...progress.trail, ...parts.flatMap(({ entry }) => entry ?? [])] };
    const decision = decideStep({ task, progress: met, step: taken, parts, isJudged, isTrial: played.trial !== undefined });
    if (decision.kind !== "rebind") return { end: decision, calls };
    goOn(decision.progress);
  }
}

/** An analysis; each step once and each model's repair, and each of these judged by every judge in turn. */
function mostCalls({ route: { steps, fallback }, judge: judged }: TaskSpec): number {
  const answers = steps.length + fallback.length + 2 * MODELS.length;
  return 1 + (answers + MOST_TROUBLES) * (1 + (judged?.models.length ?? 0));
}

function outcomeOf(ending: Ending, purpose: Step["purpose"], score: number): Outcome {
  const said = (json: NonNullable<Answer["json"]>): Outcome => ({
    kind: "answered",
    answer: { text: JSON.stringify(json), json, finish: { unified: "stop", raw: null } },
  });
  switch (ending) {
    case "x":
    case "y":
    case "nothing":
      if (purpose === "judge") return said({ score, reason: "so so" });
      if (purpose === "analyse") return said({ complexity: score / 10, reason: "so so" });
      return said(ending === "nothing" ? {} : { label: ending });
    case "repair":
    case "escalate":
    case "fail": {
      const answer: Answer = { text: "prose", finish: { unified: "stop", raw: null } };
      return { kind: "unfit", cause: "check", reason: "no JSON", onFail: ending, answer };
    }
    case "context":
    case "cut-off":
    case "policy":
      return { kind: "unfit", cause: ending, reason: ending };
    case "away":
      return { kind: "unavailable", scope: "model", reason: "gone" };
    default:
      return { kind: ending, reason: ending };
  }
}

/** What never reached a vendor is in no trail. */
function entryOf({ purpose, models }: Step, model: ModelId, outcome: Outcome, number: number): TrailEntry | undefined {
  if (outcome.kind === "unavailable" || (outcome.kind === "unfit" && outcome.cause === "policy")) return undefined;
  const named: Purpose = purpose ?? (models.length > 1 ? "agree" : "answer");
  return {
    call: String(number),
    model,
    purpose: named,
    outcome: outcome.kind,
    startedAt: 0,
    latencyMs: 1,
    usage: NO_USAGE,
    costNanoUsd: 1,
  };
}

/** `wrong`: what of a play should not have been. */
const always = (wrong: (play: Play, played: Played) => readonly unknown[]) =>
  fc.assert(
    fc.asyncProperty(play, async (each) => {
      const found = wrong(each, await playOut(each));
      if (found.length > 0) throw new Error(`wrong: ${JSON.stringify(found)}`);
    }),
    { numRuns: 1_000 },
  );
const answersOf = (calls: readonly Made[]) => calls.filter(({ step: { purpose } }) => purpose === undefined || purpose === "repair");
const callsFor = (purpose: Step["purpose"], calls: readonly Made[]) => calls.filter((call) => call.step.purpose === purpose);
const answerOf = ({ outcome }: Made) => (outcome.kind === "answered" ? outcome.answer : undefined);
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

describe("a job, whatever becomes of its calls", { timeout: 60_000 }, () => {
  it("ends in an answer that was given or in an error with reasons, after a bounded number of calls", async () => {
    const ends = always(({ task }, { end, calls }) => {
      const isBounded = calls.length <= 3 * mostCalls(task);
      const isGiven = (of: Made) => end.kind === "answer" && of.model === end.model && isSame(answerOf(of), end.answer);
      const isExplained =
        end.kind === "dead" ? end.reasons.length > 0 : end.kind === "error" ? end.error.message !== "" : answersOf(calls).some(isGiven);
      return isBounded && isExplained ? [] : [end, calls.length];
    });
    await expect(ends).resolves.toBeUndefined();
  });

  it("is shown to no model that it denies, that it doesn't allow, or that its data's class bars", async () => {
    const keepsTo = always(({ job: { deny = [], allow = MODELS, dataClass }, barred }, { calls }) =>
      calls.filter(({ model }) => deny.includes(model) || !allow.includes(model) || (dataClass === "pii" && barred.includes(model))),
    );
    await expect(keepsTo).resolves.toBeUndefined();
  });

  it("never has an answer judged by who gave it, nor by who gave the same one beside it", async () => {
    const byOthers = always((_play, { calls }) =>
      callsFor("judge", calls).filter(({ model, progress }) => {
        const { held } = progress;
        const isKnown = answersOf(calls).some((call) => call.model === held?.model && isSame(answerOf(call), held.answer));
        return !isKnown || [held?.model, ...(held?.alike ?? [])].includes(model);
      }),
    );
    await expect(byOthers).resolves.toBeUndefined();
  });

  it("is answered, where it is to be judged, only by what a judge has passed", async () => {
    const passed = always(({ isJudged }, { end, calls }) => {
      if (!isJudged || end.kind !== "answer") return [];
      const last = calls.at(-1)!;
      const verdict = answerOf(last)?.json as { readonly score: number } | undefined;
      const { held } = last.progress;
      const isPassed = last.step.purpose === "judge" && verdict !== undefined && verdict.score >= 7;
      return isPassed && held?.model === end.model && isSame(held.answer, end.answer) ? [] : [end, last];
    });
    await expect(passed).resolves.toBeUndefined();
  });

  it("has each model repair its answer once at most, and judges and analysts asked in vain once", async () => {
    const once = always((_play, { calls }) =>
      MODELS.filter((model) => {
        const own = calls.filter((call) => call.model === model);
        const inVain = callsFor("judge", own).filter(({ outcome }) => outcome.kind !== "answered" && outcome.kind !== "unavailable");
        return callsFor("repair", own).length > 1 || callsFor("analyse", own).length > 1 || inVain.length > 1;
      }),
    );
    await expect(once).resolves.toBeUndefined();
  });

  it("is never answered by a model that it has met as unfit, transient or found wanting", async () => {
    const neverAgain = always((_play, { calls }) =>
      answersOf(calls).filter(({ model, progress }) => progress.excluded.some((exclusion) => exclusion.model === model)),
    );
    await expect(neverAgain).resolves.toBeUndefined();
  });

  it("in a trial asks nobody for an analysis, and nobody else once an answer has failed its checks, and a repair where they want one", async () => {
    const tried = always(({ job: { trial } }, { end, calls }) => {
      if (trial === undefined) return [];
      const isUnfit = end.kind === "error" && end.error.code === "unfit";
      const failed = calls.findIndex(({ step, outcome }) => {
        const isFailed = outcome.kind === "unfit" && outcome.cause === "check";
        return isFailed && (step.purpose === "repair" || (step.purpose === undefined && outcome.onFail !== "repair"));
      });
      const isOver = failed < 0 || (isUnfit && calls.length === failed + 1);
      return [...callsFor("analyse", calls), ...(isOver ? [] : [end])];
    });
    await expect(tried).resolves.toBeUndefined();
  });

  it("meets everything that these plays are about", async () => {
    const seen = new Set<string>();
    for (const each of fc.sample(play, 400)) {
      const { end, calls } = await playOut(each);
      seen.add(end.kind);
      for (const {
        step: { purpose, models },
      } of calls)
        seen.add(purpose ?? (models.length > 1 ? "agree" : "answer"));
    }
    expect([...seen].toSorted()).toEqual(["agree", "analyse", "answer", "dead", "error", "judge", "repair"]);
  });
});
