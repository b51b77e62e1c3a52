// What is known of the steps of a path: by former runs and trials, by the calls of the task that the fleet has learned from, else by assumption, each with how
// far it may be off.
//
// Rows that came to the step by the same way count before all else. Next, of what was learned of the task's calls and what was seen of the model's anywhere,
// that with more answers: neither tells what rows are like that come to a later step.

import type { ModelId } from "../src/job/names.ts";
import { splitModelId } from "../src/job/names.ts";
import type { Step } from "../src/job/task.ts";
import { judgeTokens, repairTokens } from "../src/plan/expect-calls.ts";
import type { JudgeKnowledge, Known, ModelKnowledge, PathKnowledge, StepKnowledge } from "../src/plan/plan.ts";
import { exactly, meanAround } from "../src/plan/spread.ts";
import { meanInput, meanOutput } from "../src/plan/call-means.ts";
import { addCalls, newCallTally, wayKey, type StepTally } from "../src/plan/step-sums.ts";
import type { SeenStep } from "./plan-evidence.ts";
import { knowModel, knowSideModel, supposed } from "./plan-models.ts";
import { knowDoneRate, knowFailures, knowJudgePassRate, knowRepairDoneRate } from "./plan-rates.ts";
import { createSources, type KnowledgeOptions, type Sources } from "./plan-sources.ts";

export interface Knowledge {
  of(path: readonly Step[]): PathKnowledge;
  /** Which share of former rows began with the first step of each of the ways; undefined: too few are known. */
  firstShares(ways: readonly (readonly Step[])[]): readonly number[] | undefined;
  /** Answers of the model to this task that are known, however they came. */
  answersOf(model: ModelId): number;
  /** What had to be assumed so far, in words. */
  assumptions(): readonly string[];
}

const LEAST_REPAIRS = 5;
const LEAST_FIRSTS = 30;
const LEAST_TOLD = 0.01;
const LEAST_LESSONS = 5;
/** Beside a request, what is asked for its complexity is told. */
const ANALYSIS_TOKENS = 250;

export function createKnowledge(options: KnowledgeOptions): Knowledge {
  const sources = createSources(options);
  const { task, evidence } = sources;
  const known = new Map<string, PathKnowledge>();

  const know = (path: readonly Step[]): PathKnowledge => {
    const seen = evidence.of(path);
    const { analyse } = task;
    return {
      steps: knowSteps(sources, path, seen),
      ...(analyse?.kind === "model" ? { analysis: knowAnalysis(sources, analyse.model) } : {}),
    };
  };

  return {
    of(path) {
      const key = wayKey(path);
      const found = known.get(key) ?? know(path);
      known.set(key, found);
      return found;
    },
    firstShares(ways) {
      const rows = ways.map((way) => evidence.former.ways.get(wayKey(way.slice(0, 1)))?.rows ?? 0);
      const sum = rows.reduce((total, each) => total + each, 0);
      return sum >= LEAST_FIRSTS ? rows.map((each) => each / sum) : undefined;
    },
    answersOf: (model) => Math.max(sources.lessonsOf(task.name, model).answers, evidence.ofModel(model).answers),
    assumptions: () => sources.assumptions(),
  };
}

/** What is assumed of a step that hardly a row comes to is not worth telling. */
function knowSteps(sources: Sources, path: readonly Step[], seen: readonly SeenStep[]): readonly StepKnowledge[] {
  let reach = 1;
  return path.map((step, i) => {
    const told = reach >= LEAST_TOLD ? sources : { ...sources, assume: () => undefined };
    const known = knowStep(told, step, { seen: seen[i]!, isLater: i > 0 });
    reach *= 1 - known.doneRate.expected;
    return known;
  });
}

function knowStep(sources: Sources, step: Step, { seen, isLater }: { readonly seen: SeenStep; readonly isLater: boolean }): StepKnowledge {
  const { task, rows, evidence } = sources;
  const { tally } = seen;
  const models = step.models.map((id) => knowModel(sources, { id, subject: task.name, calls: tally.models.get(id), seen }));
  const { isUnseen, ...doneRate } = knowDoneRate(task, step, {
    seen,
    rows,
    isLater,
    first: evidence.ofFirst(step),
    statsOf: (id) => sources.statsOf(task.name, id),
  });
  if (isUnseen) sources.assume(`whether ${step.models.join(" and ")} agree was never seen`);
  const answer = models[0]?.outputTokens ?? exactly(0);
  const judge = task.judge && judgeOf(task.judge.models, step);
  return {
    step,
    doneRate,
    models,
    onFail: knowFailures(task, step, tally),
    ...knowRepair(tally, answer, rows),
    repairDoneRate: knowRepairDoneRate(task, tally, rows),
    ...(judge === undefined ? {} : { judge: knowJudge(sources, judge, { step, seen, answer }) }),
  };
}

function knowRepair({ models, repairs }: StepTally, answer: Known, rows: number): Pick<StepKnowledge, "repairMore" | "repairOutput"> {
  if (repairs.answers < LEAST_REPAIRS) return { repairMore: supposed(repairTokens(answer.expected)), repairOutput: answer };
  const all = newCallTally();
  for (const tally of models.values()) addCalls(all, tally);
  const { mean, scatter } = meanOutput(repairs);
  return {
    repairMore: exactly(Math.max(0, meanInput(repairs).mean - meanInput(all).mean)),
    repairOutput: meanAround(mean, scatter, { seen: repairs.answers, rows }),
  };
}

function knowJudge(
  sources: Sources,
  id: ModelId,
  { step, seen, answer }: { readonly step: Step; readonly seen: SeenStep; readonly answer: Known },
): JudgeKnowledge {
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

function knowAnalysis(sources: Sources, id: ModelId): ModelKnowledge {
  const asked = { id, subject: `${sources.task.name}~analyse`, calls: sources.evidence.analyses.get(id) };
  const { model, inputMore } = knowSideModel(sources, asked, { ours: sources.inputOf(id).mean, supposedMore: ANALYSIS_TOKENS });
  return { ...model, inputMore: inputMore.expected, inputScale: inputMore.isAssumed ? supposed(1) : exactly(1) };
}

/** As the route has it: not who answered, another vendor's first. */
function judgeOf(judges: readonly ModelId[], { models }: Step): ModelId | undefined {
  const others = judges.filter((id) => !models.includes(id));
  const vendors = new Set(models.map((id) => splitModelId(id).provider));
  return others.find((id) => !vendors.has(splitModelId(id).provider)) ?? others[0];
}
