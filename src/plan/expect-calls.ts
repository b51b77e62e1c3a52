// The calls to be expected for a row that takes a path: who is asked, how often, and for how many tokens.
//
// analysis ──▶ step ──(its share that is done)──▶ judged ──▶ over
//               ├──(a failed check, a low score)──▶ repaired once by the same model ──▶ judged ──▶ over
//               └──(no answer, no agreement, not put right)──▶ the next step

import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import type { Purpose } from "../job/trail.ts";
import type { ExpectedCalls, ExpectedStep, Known, ModelKnowledge, PathKnowledge, ReadFigure, StepKnowledge } from "./plan.ts";

/** Beside task, answer and rubric: what a judge is told. */
const JUDGE_TOKENS = 250;
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
  /** Of answers that are done, those that a judge looks at and doesn't let pass; where nobody may judge them, none of those that were to be judged. */
  const judge = ({ judge: by }: StepKnowledge, done: readonly Part[]): readonly Part[] => {
    if (!task.judge) return [];
    const looked = done.filter(({ isJudged }) => isJudged);
    if (!by) return looked;
    add(by.model, { purpose: "judge", share: sumOf(looked), more: read(by.inputMore, "input") });
    return scaled(looked, 1 - read(by.passRate, "judged"));
  };

  if (path.analysis) add(path.analysis, { purpose: "analyse", share: 1 });
  // Which rows are judged is settled once: those that come back are judged again, the others never are.
  const sample = task.judge?.sample ?? 0;
  let reach: readonly Part[] = [
    { share: sample, isJudged: true },
    { share: 1 - sample, isJudged: false },
  ];
  for (const step of path.steps) {
    const share = sumOf(reach);
    if (share <= LEAST_REACH) break;
    const [first] = step.models;
    const purpose = step.models.length > 1 ? "agree" : "answer";
    let answered = 1;
    for (const known of step.models) answered *= add(known, { purpose, share });
    const done = answered * read(step.doneRate, "done");
    const failed = answered - done;
    /** Of those that are done, by part. */
    const unpassed = judge(step, scaled(reach, done));
    const onUnpassed = step.judge ? task.judge?.onFail : "escalate";
    const toRepair = plus(scaled(reach, failed * step.onFail.repair), onUnpassed === "repair" ? unpassed : []);
    let ended = plus(scaled(reach, done + failed * step.onFail.fail), onUnpassed === "fail" ? [] : scaled(unpassed, -1));
    if (first && sumOf(toRepair) > LEAST_REACH) {
      const more = read(step.repairMore, "input");
      const repaired = add(first, { purpose: "repair", share: sumOf(toRepair), more, output: step.repairOutput });
      const put = scaled(toRepair, repaired * read(step.repairDoneRate, "done"));
      const unpassedAgain = judge(step, put);
      ended = plus(plus(ended, put), onUnpassed === "fail" ? [] : scaled(unpassedAgain, -1));
    }
    steps.push({ reach: share, calls });
    calls = [];
    reach = plus(reach, scaled(ended, -1)).map((part) => ({ ...part, share: Math.max(0, part.share) }));
  }
  return steps;
}

/** Rows that are judged wherever they come, and those that never are: shares of all. */
interface Part {
  readonly share: number;
  readonly isJudged: boolean;
}

function sumOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { share }) => sum + share, 0);
}

function scaled(parts: readonly Part[], by: number): readonly Part[] {
  return parts.map(({ share, isJudged }) => ({ share: share * by, isJudged }));
}

function plus(parts: readonly Part[], others: readonly Part[]): readonly Part[] {
  return parts.map(({ share, isJudged }) => ({ share: share + sumOf(others.filter((other) => other.isJudged === isJudged)), isJudged }));
}

/** Every step once, with a repair where the task asks for them, and for each answer the verdicts of all who may judge it. `longest`: what an answer may have at most. */
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
  const steps = path.steps.flatMap(({ models, judge, otherJudges = [], repairMore }) => {
    const [first] = models;
    const answer = Math.max(0, ...models.map(({ model }) => longest(model, "answer")));
    // A verdict that can't be read is paid, and another judge asked.
    const judgement = [...(judge ? [judge] : []), ...otherJudges].map(({ model, inputMore }) =>
      once(model, "judge", Math.max(inputMore.high, judgeTokens(task, answer))),
    );
    const isRepaired = models.length === 1 ? mayRepair(task) : task.judge?.onFail === "repair";
    return [
      ...models.map((known) => once(known, models.length === 1 ? "answer" : "agree")),
      ...judgement,
      ...(isRepaired && first ? [once(first, "repair", Math.max(repairMore.high, repairTokens(answer))), ...judgement] : []),
    ];
  });
  return path.analysis ? [once(path.analysis, "analyse"), ...steps] : steps;
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
