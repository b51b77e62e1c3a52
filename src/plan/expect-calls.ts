// The calls to be expected for a row that takes a path: who is asked, how often, and for how many tokens.
//
// analysis ──▶ step ──(its share that is done)──▶ judged ──▶ over
//               ├──(a failed check)──▶ repaired once by the same model
//               └──(no answer, no agreement, not put right)──▶ the next step

import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import type { Purpose } from "../job/trail.ts";
import type { ExpectedCalls, Level, ModelKnowledge, PathKnowledge, StepKnowledge } from "./plan.ts";

/** Beside the prompt: what is wrong with the answer, and that it is to be put right. */
const REPAIR_TOKENS = 60;
/** Beside task, answer and rubric: what a judge, and who is asked for the complexity, is told. */
const JUDGE_TOKENS = 250;
const ANALYSIS_TOKENS = 250;
const CHARACTERS_PER_TOKEN = 4;
/** Fewer rows than this share are none. */
const LEAST_REACH = 1e-9;

type Rules = Pick<TaskSpec, "attempts" | "checks" | "judge">;

export function expectCalls(task: Rules, path: PathKnowledge, level: Level): readonly ExpectedCalls[] {
  const calls: ExpectedCalls[] = [];
  const add = (known: ModelKnowledge, purpose: Purpose, depth: number, share: number, moreInputTokens = 0) => {
    if (share <= LEAST_REACH) return 0;
    const { requests, answers } = tries(known.answerRate, task.attempts);
    const { model, inputFactor, outputTokens } = known;
    const counts = { requests: share * requests, answers: share * answers };
    calls.push({ model, purpose, depth, ...counts, inputFactor: inputFactor[level], moreInputTokens, outputTokens: outputTokens[level] });
    return answers;
  };
  /** Of answers that are done, the share that its judge sends on. */
  const judged = (step: StepKnowledge, depth: number, done: number): number => {
    if (!task.judge || !step.judge) return 0;
    const looked = done * task.judge.sample;
    add(step.judge, "judge", depth, looked, judgeTokens(task, step, level));
    return looked * (1 - path.judgePassRate[level]);
  };

  if (path.analysis) add(path.analysis, "analyse", 0, 1, ANALYSIS_TOKENS);
  let reach = 1;
  for (const [depth, step] of path.steps.entries()) {
    if (reach <= LEAST_REACH) break;
    const [first] = step.models;
    const isAlone = step.models.length === 1 && first !== undefined;
    let answered = reach;
    for (const known of step.models) answered *= add(known, isAlone ? "answer" : "agree", depth, reach);
    const done = answered * step.doneRate[level];
    let over = done - judged(step, depth, done);
    const failed = answered - done;
    const onFail = isAlone ? failurePolicy(task) : "escalate";
    if (onFail === "fail") over += failed;
    if (onFail === "repair" && first) {
      const repaired = failed * add(first, "repair", depth, failed, REPAIR_TOKENS + first.outputTokens[level]) * step.doneRate[level];
      over += repaired - judged(step, depth, repaired);
    }
    reach -= over;
  }
  return calls;
}

/** Every step once, with a repair where the task asks for them and a judgement of each answer. `longest`: what an answer may have at most. */
export function worstCalls(
  task: Rules,
  path: PathKnowledge,
  longest: (model: ModelId, purpose: Purpose) => number,
): readonly ExpectedCalls[] {
  const once = ({ model, inputFactor }: ModelKnowledge, purpose: Purpose, depth: number, moreInputTokens = 0): ExpectedCalls => {
    return {
      model,
      purpose,
      depth,
      requests: 1,
      answers: 1,
      inputFactor: inputFactor.high,
      moreInputTokens,
      outputTokens: longest(model, purpose),
    };
  };
  const rubric = rubricTokens(task);
  const steps = path.steps.flatMap(({ models, judge }, depth) => {
    const [first] = models;
    const isRepaired = models.length === 1 && failurePolicy(task) === "repair";
    const answer = first ? longest(first.model, "answer") : 0;
    const judgement = judge ? [once(judge, "judge", depth, JUDGE_TOKENS + rubric + answer)] : [];
    return [
      ...models.map((known) => once(known, models.length === 1 ? "answer" : "agree", depth)),
      ...judgement,
      ...(isRepaired && first ? [once(first, "repair", depth, REPAIR_TOKENS + answer), ...judgement] : []),
    ];
  });
  return path.analysis ? [once(path.analysis, "analyse", 0, ANALYSIS_TOKENS), ...steps] : steps;
}

/** Calls until one is answered, or the attempts are used up; and the share of them that get an answer. */
function tries(answerRate: number, attempts: number): { readonly requests: number; readonly answers: number } {
  if (answerRate >= 1) return { requests: 1, answers: 1 };
  if (answerRate <= 0) return { requests: attempts, answers: 0 };
  const answers = 1 - (1 - answerRate) ** attempts;
  return { requests: answers / answerRate, answers };
}

function failurePolicy({ checks }: Pick<Rules, "checks">): "repair" | "escalate" | "fail" {
  if (checks.some(({ onFail }) => onFail === "repair")) return "repair";
  return checks.length > 0 && checks.every(({ onFail }) => onFail === "fail") ? "fail" : "escalate";
}

function judgeTokens(task: Rules, { models }: StepKnowledge, level: Level): number {
  return JUDGE_TOKENS + rubricTokens(task) + (models[0]?.outputTokens[level] ?? 0);
}

function rubricTokens({ judge }: Pick<Rules, "judge">): number {
  return (judge?.rubric.length ?? 0) / CHARACTERS_PER_TOKEN;
}
