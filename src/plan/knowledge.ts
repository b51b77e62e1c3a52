// What is known of the steps of a path: by former runs and trials, by the calls of the task that the fleet has learned from, else by assumption, each with how
// far it may be off.
//
// Rows that came to the step by the same way count before all else. Next, of what was learned of the task's calls and what was seen of the model's anywhere,
// that with more answers: neither tells what rows are like that come to a later step.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import { repairTokens } from "./expect-calls.ts";
import type { Known, ModelKnowledge, PathKnowledge, StepKnowledge } from "./plan.ts";
import { exactly, meanAround } from "./spread.ts";
import { meanInput, meanOutput } from "./call-means.ts";
import { addCalls, newCallTally, wayKey, type StepTally } from "./step-sums.ts";
import type { SeenStep } from "./evidence.ts";
import { knowJudges, withoutUnjudged } from "./judges.ts";
import { knowModel, knowSideModel, supposed } from "./know-model.ts";
import { readersKey, type Readers } from "./paths.ts";
import { knowDoneRate, knowFailures, knowRepairDoneRate } from "./know-rates.ts";
import { createSources, unheard, type KnowledgeOptions, type Sources } from "./sources.ts";

export interface Knowledge {
  /** For rows that those can and may read. */
  of(path: readonly Step[], readers: Readers): PathKnowledge;
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
/** Beside a request, what is asked for its complexity is told. */
const ANALYSIS_TOKENS = 250;

export function createKnowledge(options: KnowledgeOptions): Knowledge {
  const sources = createSources(options);
  const { task, evidence } = sources;
  const known = new Map<string, PathKnowledge>();

  const know = (path: readonly Step[], { judges, isAnalysed }: Readers): PathKnowledge => {
    const { analyse } = task;
    return {
      steps: knowSteps(sources, path, { judges, seen: evidence.of(path) }),
      ...(isAnalysed && analyse?.kind === "model" ? { analysis: knowAnalysis(sources, analyse.model) } : {}),
    };
  };

  return {
    of(path, readers) {
      const key = `${wayKey(path)} ${readersKey(readers)}`;
      const found = known.get(key) ?? know(path, readers);
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

interface Come {
  readonly judges: readonly ModelId[];
  readonly seen: SeenStep;
  readonly isLater: boolean;
}

/** What is assumed of a step that hardly a row comes to is not worth telling. */
function knowSteps(
  sources: Sources,
  path: readonly Step[],
  { judges, seen }: Pick<Come, "judges"> & { readonly seen: readonly SeenStep[] },
): readonly StepKnowledge[] {
  let reach = 1;
  return path.map((step, i) => {
    const told = reach >= LEAST_TOLD ? sources : unheard(sources);
    const known = knowStep(told, step, { judges, seen: seen[i]!, isLater: i > 0 });
    reach *= 1 - known.doneRate.expected;
    return known;
  });
}

function knowStep(sources: Sources, step: Step, { judges, seen: come, isLater }: Come): StepKnowledge {
  const { task, rows, evidence } = sources;
  const models = step.models.map((id) => knowModel(sources, { id, subject: task.name, calls: come.tally.models.get(id), seen: come }));
  const answer = models[0]?.outputTokens ?? exactly(0);
  const judging = task.judge ? knowJudges(sources, judges, { step, seen: come, answer }) : {};
  const told = (tally: StepTally) => (task.judge && !judging.judge ? withoutUnjudged(tally, task.judge.sample) : tally);
  const tally = told(come.tally);
  const first = evidence.ofFirst(step);
  const { isUnseen, ...doneRate } = knowDoneRate(task, step, {
    seen: { ...come, tally },
    rows,
    isLater,
    first: first && told(first),
    statsOf: (id) => sources.statsOf(task.name, id),
  });
  if (isUnseen) sources.assume(`whether ${step.models.join(" and ")} agree was never seen`);
  return {
    step,
    doneRate,
    models,
    onFail: knowFailures(task, step, tally),
    ...knowRepair(tally, answer, rows),
    repairDoneRate: knowRepairDoneRate(task, tally, rows),
    ...judging,
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

function knowAnalysis(sources: Sources, id: ModelId): ModelKnowledge {
  const asked = { id, subject: `${sources.task.name}~analyse`, calls: sources.evidence.analyses.get(id) };
  const { model, inputMore } = knowSideModel(sources, asked, { ours: sources.inputOf(id).shown, supposedMore: ANALYSIS_TOKENS });
  return { ...model, inputMore: inputMore.expected, inputScale: inputMore.isAssumed ? supposed(1) : exactly(1) };
}
