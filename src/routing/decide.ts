// Every part of a step is over: is the job done, or does it go on? Outcome first, effect second: pure functions; the pool and the reroute worker act on
// their values.
//
// answers ──▶ result, or ──(sampled by the task's judge)──▶ held, judged ──▶ result
// a failed check ──▶ repaired once by the same model (`repair`) ──▶ excluded; the route goes on (`escalate`), or the row ends (`fail`)
// A job goes on by `rebind`: its progress says what excludes whom, and what runs next before the route does.

import { splitModelId, type ModelId } from "../job/names.ts";
import type { Answer } from "../job/outcome.ts";
import type { Exclusion, HeldAnswer, Progress } from "../job/progress.ts";
import type { ResultError } from "../job/result.ts";
import { sameAnswer } from "../job/same-answer.ts";
import type { Step, TaskSpec } from "../job/task.ts";
import { agreedAnswer } from "./agreement.ts";
import { readComplexity } from "./ask-complexity.ts";
import { sortParts, type FailedCheck, type Part, type SortedParts } from "./sorted-parts.ts";

export type Decision =
  | { readonly kind: "answer"; readonly model: ModelId; readonly answer: Answer }
  /** `unpassed`: of a trial, what the judge looked at. */
  | { readonly kind: "error"; readonly error: ResultError; readonly unpassed?: Answer }
  /** The job goes to `bind()` with this progress. */
  | { readonly kind: "rebind"; readonly progress: Progress };

export interface Decided {
  readonly task: TaskSpec;
  readonly progress: Progress;
  readonly step: Step;
  /** In the step's order. */
  readonly parts: readonly Part[];
  /** Whether an answer of this job is to be judged. */
  readonly isJudged: boolean;
  /** Nothing leads on: a failed check or judgement ends the row. */
  readonly isTrial: boolean;
}

/**
 * What ends the job whatever else happened comes first (cancelled, expired, invalid, a refusal by policy); then an answer, or enough that agree; then what
 * its models can't do excludes them.
 */
export function decideStep(decided: Decided): Decision {
  const sorted = sortParts(decided.parts);
  switch (decided.step.purpose) {
    case "analyse":
      return afterAnalysis(decided, sorted);
    case "judge":
      return afterJudgement(decided, sorted);
    case "repair":
    case undefined:
      return afterAnswers(decided, sorted);
    default:
      return decided.step.purpose satisfies never;
  }
}

/** What `progress.next` held can't be: nobody may or can do it. The job goes on without. */
export function afterSkip(progress: Progress, reasons: readonly string[]): Progress {
  const { next: _next, held, ...rest } = progress;
  const why = reasons.join("; ");
  switch (progress.next?.[0]?.purpose) {
    case "analyse":
      return { ...rest, ...(held ? { held } : {}), analysis: unknownComplexity(why) };
    case "judge":
      return held ? exclude(rest, [{ model: held.model, cause: "judged", reason: `nobody could judge its answer: ${why}` }]) : rest;
    case "repair":
      return held ? exclude(rest, [{ model: held.model, cause: "check", reason: held.reason ?? "its answer failed a check" }]) : rest;
    default:
      return rest;
  }
}

/**
 * A job that is taken out of a step's queue before its calls were made: the step is still to come where the route doesn't know it, and of judges any.
 * `task`: as far as it is known.
 */
export function beforeStep(progress: Progress, step: Step, task: Pick<TaskSpec, "judge"> | undefined): Progress {
  if (step.purpose === undefined) return progress;
  const judges = step.purpose === "judge" && task && progress.held ? judgeSteps(task, progress.held) : [];
  return { ...progress, next: judges.length > 0 ? judges : [step] };
}

function afterAnswers({ task, progress, step, parts, isJudged, isTrial }: Decided, sorted: SortedParts): Decision {
  const ending = sorted.endings[0];
  if (ending) return { kind: "error", error: ending };
  const refusals = progress.refusals + sorted.refused.length;
  const refusal = sorted.refused[0];
  if (refusal && (task.onRefusal === "fail" || refusals > 1)) {
    return { kind: "error", error: { code: "refused", message: refusal.reason } };
  }
  const met: Progress = { ...withoutHeld(progress), refusals };

  const agreed = parts.length === 1 ? sorted.answers[0] : agreedAnswer(sorted.answers, step.agree ?? {}, parts.length);
  if (agreed) return isJudged ? toJudge(task, met, heldOf(agreed, sorted, step)) : { kind: "answer", ...agreed };

  // Of several answers none is repaired: the next step decides, unless the task says that such a row ends.
  const failed = sorted.failedChecks.find(({ onFail }) => parts.length === 1 || onFail === "fail");
  if (failed) return afterFailedCheck(met, isTrial ? inTrial(failed, met) : failed, "check");
  if (sorted.answers.length === parts.length) return rebind(met, disagreement(step));
  return rebind(met, sorted.exclusions);
}

/** One repair for each model; then its answers are not asked for again. */
function afterFailedCheck(progress: Progress, { model, answer, reason, onFail }: FailedCheck, cause: "check" | "judged"): Decision {
  const repaired = progress.repaired ?? [];
  switch (onFail) {
    case "fail":
      return { kind: "error", error: { code: "unfit", message: `${model}: ${reason}` } };
    case "repair":
      if (!repaired.includes(model)) {
        const step: Step = { models: [model], purpose: "repair" };
        return {
          kind: "rebind",
          progress: { ...progress, next: [step], held: { model, answer, reason }, repaired: [...repaired, model] },
        };
      }
      return rebind(progress, [{ model, cause, reason }]);
    case "escalate":
      return rebind(progress, [{ model, cause, reason }]);
    default:
      return onFail satisfies never;
  }
}

/** A model is tried as the route would have it, repair included; but nothing leads on to another one. */
function inTrial(failed: FailedCheck, { repaired = [] }: Progress): FailedCheck {
  return failed.onFail === "repair" && !repaired.includes(failed.model) ? failed : { ...failed, onFail: "fail" };
}

function heldOf({ model, answer }: SortedParts["answers"][number], { answers }: SortedParts, { agree }: Step): HeldAnswer {
  const alike = answers.filter((other) => other.model !== model && sameAnswer(other.answer, answer, agree?.on));
  return { model, answer, ...(alike.length > 0 ? { alike: alike.map((other) => other.model) } : {}) };
}

function toJudge(task: TaskSpec, progress: Progress, held: HeldAnswer): Decision {
  const next = judgeSteps(task, held);
  if (next.length > 0) return { kind: "rebind", progress: { ...progress, held, next } };
  return rebind(progress, [{ model: held.model, cause: "judged", reason: "nobody but itself could judge its answer" }]);
}

/** Never who gave the answer; of the other models, those of another vendor first. */
function judgeSteps(task: Pick<TaskSpec, "judge">, { model: answerer, alike = [] }: HeldAnswer): readonly Step[] {
  const others = (task.judge?.models ?? []).filter((model) => model !== answerer && !alike.includes(model));
  const isOwn = (model: ModelId) => splitModelId(model).provider === splitModelId(answerer).provider;
  return [...others.filter((model) => !isOwn(model)), ...others.filter(isOwn)].map((model) => ({ models: [model], purpose: "judge" }));
}

function afterJudgement({ task, progress, parts, isTrial }: Decided, sorted: SortedParts): Decision {
  const ending = sorted.endings.find(({ code }) => code !== "invalid");
  if (ending) return { kind: "error", error: ending };
  const { held } = progress;
  if (!held || !task.judge) return rebind(withoutHeld(progress), []);
  const judged = sorted.answers[0];
  if (judged) {
    const { score, reason } = judged.answer.json as { readonly score: number; readonly reason: string };
    if (score >= task.judge.passMark) return { kind: "answer", model: held.model, answer: held.answer };
    const said = `${judged.model} gave it ${score} of 10, and ${task.judge.passMark} are needed: ${reason}`;
    const unpassed = { ...held, reason: said, onFail: task.judge.onFail };
    if (!isTrial) return afterFailedCheck(withoutHeld(progress), unpassed, "judged");
    const decision = afterFailedCheck(withoutHeld(progress), inTrial(unpassed, progress), "judged");
    return decision.kind === "error" ? { ...decision, unpassed: held.answer } : decision;
  }
  // A judge that fails is asked no more; another one may be there. One whose verdict could not be read may still answer: its trail keeps it from judging.
  const invalid = sorted.endings.map(({ message }): Exclusion => ({ model: parts[0]!.model, cause: "capability", reason: message }));
  const unable = sorted.exclusions.filter(({ cause }) => cause !== "check" && cause !== "cut-off");
  return { kind: "rebind", progress: { ...exclude(progress, [...unable, ...invalid]), next: judgeSteps(task, held) } };
}

function afterAnalysis({ progress }: Decided, sorted: SortedParts): Decision {
  const ending = sorted.endings.find(({ code }) => code !== "invalid");
  if (ending) return { kind: "error", error: ending };
  const said = sorted.answers[0];
  const why = sorted.exclusions[0]?.reason ?? sorted.endings[0]?.message ?? "it could not be asked";
  return { kind: "rebind", progress: { ...progress, analysis: (said && readComplexity(said.answer)) ?? unknownComplexity(why) } };
}

function unknownComplexity(why: string) {
  return { complexity: 0.5, reasons: [`taken as middling, for the model that was to say so did not: ${why}`] };
}

function disagreement(step: Step): readonly Exclusion[] {
  const on = step.agree?.on === undefined ? "" : ` on ${step.agree.on.map((field) => JSON.stringify(field)).join(", ")}`;
  return step.models.map((model) => ({ model, cause: "disagreed", reason: `${step.models.join(" and ")} disagreed${on}` }));
}

function rebind(progress: Progress, exclusions: readonly Exclusion[]): Decision {
  return { kind: "rebind", progress: { ...exclude(progress, exclusions), reroutes: progress.reroutes + 1 } };
}

/** A model may be excluded for several causes: one that answered badly may still judge, until it fails at that too. */
function exclude(progress: Progress, exclusions: readonly Exclusion[]): Progress {
  const excluded = [...progress.excluded];
  for (const exclusion of exclusions) {
    const isKnown = ({ model, cause }: Exclusion) => model === exclusion.model && cause === exclusion.cause;
    if (!excluded.some(isKnown)) excluded.push(exclusion);
  }
  return { ...progress, excluded };
}

function withoutHeld({ held: _held, next: _next, ...progress }: Progress): Progress {
  return progress;
}
