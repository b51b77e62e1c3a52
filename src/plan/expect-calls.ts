// The calls to be expected for a row that takes a path: who is asked, how often, and for how many tokens.
//
// analysis ──▶ step ──(its share that is done)──▶ judged ──▶ over
//               ├──(a failed check, a low score)──▶ repaired once by the same model ──▶ judged ──▶ over
//               └──(no answer, no agreement, not put right)──▶ the next step

import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import type { Purpose } from "../job/trail.ts";
import type { ExpectedCalls, ExpectedStep, Known, ModelKnowledge, PathKnowledge, ReadFigure, StepKnowledge } from "./plan.ts";

/** Beside task, answer and rubric: what a judge, and who is asked for the complexity, is told. */
const JUDGE_TOKENS = 250;
const ANALYSIS_TOKENS = 250;
/** Beside the prompt and the answer: what is wrong with it, and that it is to be put right. */
const REPAIR_TOKENS = 60;
const CHARACTERS_PER_TOKEN = 4;
/** Fewer rows than this share are none. */
const LEAST_REACH = 1e-9;

type Rules = Pick<TaskSpec, "attempts" | "judge">;

interface Added {
  readonly purpose: Purpose;
  readonly share: number;
  readonly more?: number;
  readonly output?: Known;
}

/** Step by step, as far as rows come. */
export function expectCalls(task: Rules, path: PathKnowledge, read: ReadFigure): readonly ExpectedStep[] {
  const steps: ExpectedStep[] = [];
  let calls: ExpectedCalls[] = [];
  /** The share of them that is answered. */
  const add = (knowledge: ModelKnowledge, { purpose, share, more = 0, output = knowledge.outputTokens }: Added): number => {
    if (share <= LEAST_REACH) return 0;
    const { requests, answers } = tries(knowledge.answerRate, task.attempts);
    const { model, inputFactor, inputMore, inputScale } = knowledge;
    const scale = read(inputScale, "input");
    calls.push({
      model,
      purpose,
      knowledge,
      requests: share * requests,
      answers: share * answers,
      inputFactor: scale * inputFactor,
      inputMore: scale * inputMore + more,
      outputTokens: read(output, "output"),
    });
    return answers;
  };
  /** Of answers that are done, those that a judge looks at and doesn't let pass. */
  const judged = ({ judge }: StepKnowledge, done: number): number => {
    if (!task.judge || !judge) return 0;
    const looked = done * task.judge.sample;
    add(judge.model, { purpose: "judge", share: looked, more: read(judge.inputMore, "input") });
    return looked * (1 - read(judge.passRate, "judged"));
  };

  if (path.analysis) add(path.analysis, { purpose: "analyse", share: 1, more: ANALYSIS_TOKENS });
  let reach = 1;
  for (const step of path.steps) {
    if (reach <= LEAST_REACH) break;
    const [first] = step.models;
    const purpose = step.models.length > 1 ? "agree" : "answer";
    let answered = reach;
    for (const known of step.models) answered *= add(known, { purpose, share: reach });
    const done = answered * read(step.doneRate, "done");
    const failed = answered - done;
    const unpassed = judged(step, done);
    const isUnpassedRepaired = task.judge?.onFail === "repair";
    const toRepair = failed * step.onFail.repair + (isUnpassedRepaired ? unpassed : 0);
    let ended = done - unpassed + failed * step.onFail.fail + (task.judge?.onFail === "fail" ? unpassed : 0);
    if (first && toRepair > LEAST_REACH) {
      const more = read(step.repairMore, "input");
      const repaired = toRepair * add(first, { purpose: "repair", share: toRepair, more, output: step.repairOutput });
      const put = repaired * read(step.repairDoneRate, "done");
      const unpassedAgain = judged(step, put);
      ended += put - (task.judge?.onFail === "fail" ? 0 : unpassedAgain);
    }
    steps.push({ reach, calls });
    calls = [];
    reach = Math.max(0, reach - ended);
  }
  return steps;
}

/** Every step once, with a repair where the task asks for them and a judgement of each answer. `longest`: what an answer may have at most. */
export function worstCalls(
  task: Pick<TaskSpec, "checks" | "judge">,
  path: PathKnowledge,
  longest: (model: ModelId, purpose: Purpose) => number,
): readonly ExpectedCalls[] {
  const once = (knowledge: ModelKnowledge, purpose: Purpose, more = 0): ExpectedCalls => {
    const { model, inputFactor, inputMore, inputScale } = knowledge;
    const input = { inputFactor: inputScale.high * inputFactor, inputMore: inputScale.high * inputMore + more };
    return { model, purpose, knowledge, requests: 1, answers: 1, ...input, outputTokens: longest(model, purpose) };
  };
  const steps = path.steps.flatMap(({ models, judge, repairMore }) => {
    const [first] = models;
    const answer = Math.max(0, ...models.map(({ model }) => longest(model, "answer")));
    const judgement = judge ? [once(judge.model, "judge", Math.max(judge.inputMore.high, judgeTokens(task, answer)))] : [];
    const isRepaired = models.length === 1 ? mayRepair(task) : task.judge?.onFail === "repair";
    return [
      ...models.map((known) => once(known, models.length === 1 ? "answer" : "agree")),
      ...judgement,
      ...(isRepaired && first ? [once(first, "repair", Math.max(repairMore.high, repairTokens(answer))), ...judgement] : []),
    ];
  });
  return path.analysis ? [once(path.analysis, "analyse", ANALYSIS_TOKENS), ...steps] : steps;
}

/** Calls until one is answered, or the attempts are used up; and the share of them that get an answer. */
function tries(answerRate: number, attempts: number): { readonly requests: number; readonly answers: number } {
  if (answerRate >= 1) return { requests: 1, answers: 1 };
  if (answerRate <= 0) return { requests: attempts, answers: 0 };
  const answers = 1 - (1 - answerRate) ** attempts;
  return { requests: answers / answerRate, answers };
}

export function mayRepair({ checks, judge }: Pick<TaskSpec, "checks" | "judge">): boolean {
  return judge?.onFail === "repair" || checks.some(({ onFail }) => onFail === "repair");
}

/** What a judge is told beside the row's own request, supposed. */
export function judgeTokens({ judge }: Pick<TaskSpec, "judge">, answerTokens: number): number {
  return JUDGE_TOKENS + (judge?.rubric.length ?? 0) / CHARACTERS_PER_TOKEN + answerTokens;
}

/** What a repair's request has beside the row's own, supposed. */
export function repairTokens(answerTokens: number): number {
  return REPAIR_TOKENS + answerTokens;
}
