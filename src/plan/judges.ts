// Who judges the answers of a step, and what is known of that.

import { type ModelId, splitModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import { judgeTokens } from "./expect-calls.ts";
import type { JudgeKnowledge, Known, StepKnowledge } from "./plan.ts";
import type { StepTally } from "./step-sums.ts";
import type { SeenStep } from "./evidence.ts";
import { knowSideModel } from "./know-model.ts";
import { knowJudgePassRate } from "./know-rates.ts";
import { unheard, type Sources } from "./sources.ts";

const LEAST_LESSONS = 5;

interface Judged {
  readonly step: Step;
  readonly seen: SeenStep;
  /** Tokens of the answer. */
  readonly answer: Known;
}

/** `able`: who can and may read the rows. */
export function knowJudges(sources: Sources, able: readonly ModelId[], judged: Judged): Pick<StepKnowledge, "judge" | "otherJudges"> {
  const [first, ...others] = judgesOf(able, judged.step);
  const among = isPartial(judged.step) ? able.filter((id) => judged.step.models.includes(id)) : [];
  const otherJudges = [...others, ...among].map((id) => knowJudge(unheard(sources), id, judged));
  return { ...(first === undefined ? {} : { judge: knowJudge(sources, first, judged) }), otherJudges };
}

/**
 * What was seen of a step whose answers nobody could judge: rows that were to be judged went on from it, as if they were not done. They are reckoned by themselves,
 * so here the others speak for them.
 */
export function withoutUnjudged(tally: StepTally, sample: number): StepTally {
  if (tally.judges.size > 0) return tally;
  return sample < 1 ? { ...tally, done: Math.min(tally.answered, tally.done / (1 - sample)) } : { ...tally, answered: 0, done: 0 };
}

/** As the route has it: not who answered, another vendor's first. Of models that agree the first one's answer is taken, and none of them judges it. */
function judgesOf(judges: readonly ModelId[], { models }: Step): readonly ModelId[] {
  const [answerer] = models;
  const others = judges.filter((id) => !models.includes(id));
  const isOwn = (id: ModelId) => answerer !== undefined && splitModelId(id).provider === splitModelId(answerer).provider;
  return [...others.filter((id) => !isOwn(id)), ...others.filter(isOwn)];
}

/** A model whose answer is another one may judge that of those that agree. */
function isPartial({ models, agree }: Step): boolean {
  return agree?.need !== undefined && agree.need < models.length;
}

function knowJudge(sources: Sources, id: ModelId, { step, seen, answer }: Judged): JudgeKnowledge {
  const { task, rows, evidence } = sources;
  const answerer = step.models[0]!;
  const own = seen.tally.judges.get(id);
  const calls = own && own.answers >= LEAST_LESSONS ? own : evidence.judges.get(id);
  const former = formerInput(sources, answerer, seen);
  const ours = sources.inputOf(id).mean + (former === undefined ? 0 : former - sources.inputOf(answerer).mean);
  const asked = { id, subject: `${task.name}~judge`, calls };
  return {
    ...knowSideModel(sources, asked, { ours, supposedMore: judgeTokens(task, answer.expected) }),
    passRate: knowJudgePassRate(task, { scores: [seen.tally.scores, evidence.scores], live: sources.statsOf(task.name, answerer), rows }),
  };
}

/** Our count of the rows that the model was asked before. */
function formerInput(sources: Sources, id: ModelId, { tally }: SeenStep): number | undefined {
  const counts = tally.models.get(id)?.counts;
  if (counts && counts.calls >= LEAST_LESSONS) return counts.ours / counts.calls;
  const { calls, estimated } = sources.lessonsOf(sources.task.name, id);
  return calls >= LEAST_LESSONS ? estimated / calls : undefined;
}
