// What is known of the steps of a path: by the calls of the task that the fleet has seen, by trials, else by assumption, each with how far it may be off.
//
// Of several sources for one figure that with more answers counts. What rows are like that come to a later step, only trials tell.

import type { ModelSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import { splitModelId } from "../src/job/names.ts";
import type { Step, TaskSpec } from "../src/job/task.ts";
import { replayTrials, type ReplayedStep } from "../src/plan/replay-trials.ts";
import { rangeOf, type ModelKnowledge, type PathKnowledge, type Range, type StepKnowledge } from "../src/plan/plan.ts";
import { NO_LESSONS, type LessonSums } from "../src/prompt/lesson-sums.ts";
import { agreedAnswer } from "../src/routing/agreement.ts";
import { agreementId } from "../src/routing/drift.ts";
import { NO_STATS, type ModelStats } from "../src/routing/model-stats.ts";
import { statsSubject } from "../src/routing/stats-book.ts";
import { assumeLatency, assumeOutput, ASSUMED_AGREEMENT, ASSUMED_INPUT, ASSUMED_PASS, type AssumedOutput } from "./plan-assumptions.ts";
import type { Learned, Trials } from "./plan-history.ts";

export interface Knowledge {
  of(path: readonly Step[]): PathKnowledge;
  /** Answers of the model to this task that are known, however they came. */
  answersOf(model: ModelId): number;
  /** What had to be assumed so far, in words. */
  assumptions(): readonly string[];
}

export interface KnowledgeOptions {
  readonly task: TaskSpec;
  readonly models: ReadonlyMap<ModelId, ModelSpec>;
  readonly learned: Learned;
  readonly trials: Trials;
  /** Rows of the file: the fewer, the more chance there is in them. */
  readonly rows: number;
  /** Of the rows' requests. */
  readonly output: AssumedOutput;
}

/** Fewer answers than these say nothing. */
const LEAST_ANSWERS = 5;
const LEAST_REACHED = 10;
const ERRORS = 2;
/** p95 ÷ p50 of a log-normal time, to its sigma. */
const P95_DEVIATIONS = 1.645;

export function createKnowledge(options: KnowledgeOptions): Knowledge {
  const { task, models, learned, trials, rows, output } = options;
  const assumed = new Set<string>();
  const judgeSubject = `${task.name}~judge`;

  const statsOf = (subject: string, model: ModelId) => learned.stats.get(statsSubject(subject, model)) ?? NO_STATS;
  const lessonsOf = (subject: string, model: ModelId) => learned.lessons.get(`${subject}|${model}`) ?? NO_LESSONS;
  const agrees = (step: Step, answers: Parameters<typeof agreedAnswer>[0]) =>
    agreedAnswer(answers, step.agree ?? {}, step.models.length) !== undefined;

  /** Mean and scatter of the answers' length, and how many it rests on; cut-off and failed ones are in the mean. */
  const seenOutput = (subject: string, model: ModelId): Seen | undefined => {
    const { answers, output: sum, outputSquares } = lessonsOf(subject, model);
    const { calls, answerRate, outputTokens } = statsOf(subject, model);
    if (answers < LEAST_ANSWERS) return undefined;
    const lesson = sum / answers;
    const scatter = Math.sqrt(Math.max(0, outputSquares / answers - lesson ** 2));
    return { mean: calls * answerRate >= LEAST_ANSWERS && outputTokens !== undefined ? outputTokens : lesson, scatter, of: answers };
  };
  const othersOutput = () => {
    const seen = Array.from(models.keys()).flatMap((id) => seenOutput(task.name, id) ?? []);
    return seen.length === 0 ? undefined : seen.reduce((sum, { mean }) => sum + mean, 0) / seen.length;
  };

  const knowModel = (id: ModelId, subject: string, replayed?: ReplayedStep): ModelKnowledge => {
    const spec = models.get(id);
    const stats = statsOf(subject, id);
    const trial = replayed?.models.get(id);
    const reached = replayed?.reached ?? 0;
    const fromTrial: Seen | undefined =
      trial && reached >= LEAST_REACHED ? { mean: trial.outputTokens, scatter: trial.outputScatter, of: reached } : undefined;
    const fromCalls = seenOutput(subject, id);
    // The same trials are among the calls seen; who came to a later step is only in the replay.
    const isLater = trial !== undefined && reached < trials.rows.length;
    const seen = fromTrial && (isLater || fromTrial.of >= (fromCalls?.of ?? 0)) ? fromTrial : fromCalls;
    if (!seen) assumed.add(`the answers of ${id} were never seen`);
    const lessons = lessonsOf(subject, id);
    const inputFactor = factorOf(lessons, stats);
    const factorError = lessons.calls < LEAST_ANSWERS ? undefined : (ERRORS * factorScatter(lessons)) / Math.sqrt(lessons.calls);
    const share = fromTrial && trial ? trial.inputShare : 1;
    const latency = latencyOf(stats, spec);
    return {
      model: id,
      answerRate: stats.calls > 0 ? stats.answerRate : 1,
      inputFactor: factorError === undefined ? ASSUMED_INPUT : around(inputFactor * share, factorError),
      outputTokens: seen
        ? around(seen.mean, ERRORS * seen.scatter * Math.sqrt(1 / seen.of + 1 / Math.max(1, rows)))
        : outputOf(spec, subject),
      ...latency,
    };
  };

  const outputOf = (spec: ModelSpec | undefined, subject: string): Range => {
    const found =
      subject === task.name ? assumeOutput(spec, task, { ...output, others: othersOutput() }) : { low: 20, expected: 80, high: 400 };
    return found;
  };

  const knowStep = (step: Step, replayed: ReplayedStep | undefined): StepKnowledge => {
    const judge = task.judge && judgeOf(task.judge.models, step);
    return {
      step,
      doneRate: doneRate(step, replayed),
      models: step.models.map((id) => knowModel(id, task.name, replayed)),
      ...(judge === undefined ? {} : { judge: knowModel(judge, judgeSubject) }),
    };
  };

  const doneRate = (step: Step, replayed: ReplayedStep | undefined): Range => {
    const id = step.models.length === 1 ? step.models[0]! : agreementId(step.models);
    const { calls, answerRate, passRate } = statsOf(task.name, id);
    const pilot = step.models.length === 1 ? task.drift?.passRates[id] : task.drift?.agreements[id];
    const trial = replayed && replayed.reached > 0 ? { rate: replayed.done / replayed.reached, of: replayed.reached } : undefined;
    const isLater = replayed !== undefined && replayed.reached < trials.rows.length;
    if (isLater && trial && trial.of >= LEAST_REACHED) return shareAround(trial.rate, trial.of);
    // Calls of trials are among those seen of a model; agreements of real runs are not among the trials', nor theirs among those.
    const live = { rate: passRate, of: calls * answerRate };
    const seen = step.models.length > 1 ? [pooled(live, trial ?? pilot)] : [live, ...(trial ? [trial] : []), ...(pilot ? [pilot] : [])];
    const best = seen.reduce((most, each) => (each.of > most.of ? each : most));
    if (best.of >= LEAST_ANSWERS) return shareAround(best.rate, best.of);
    if (step.models.length > 1) assumed.add(`whether ${step.models.join(" and ")} agree was never seen`);
    return step.models.length > 1 ? ASSUMED_AGREEMENT : ASSUMED_PASS;
  };

  const shareAround = (rate: number, of: number): Range => {
    // Of none seen to fail in so many, a few still may (the variance is a little above rate × (1 − rate)).
    const error = ERRORS * Math.sqrt((rate * (1 - rate) + 0.25 / (of + 1)) / of);
    return { low: Math.min(1, rate + error), expected: rate, high: Math.max(0, rate - error) };
  };

  return {
    of(path) {
      const replayed = trials.rows.length > 0 ? replayTrials(path, trials.rows, agrees) : [];
      const isWhole = (replayed[0]?.reached ?? 0) >= LEAST_REACHED;
      const { analyse } = task;
      return {
        steps: path.map((step, i) => knowStep(step, isWhole ? replayed[i] : undefined)),
        ...(analyse?.kind === "model" ? { analysis: knowModel(analyse.model, `${task.name}~analyse`) } : {}),
        // A judge's word is in no statistics: expected is that it passes what the checks have passed.
        judgePassRate: { low: 1, expected: 1, high: 0.8 },
      };
    },
    answersOf: (model) => Math.max(lessonsOf(task.name, model).answers, trials.rows.filter((row) => row.has(model)).length),
    assumptions: () => [...assumed],
  };
}

interface SeenShare {
  readonly rate: number;
  readonly of: number;
}

interface Seen {
  readonly mean: number;
  readonly scatter: number;
  readonly of: number;
}

/**
 * What the vendor counted for each token counted here. The learner holds its factor to bounds and begins it at 1, for the sake of permits; a plan goes by what
 * was counted.
 */
function factorOf({ calls, estimated, counted }: LessonSums, { inputTokens }: ModelStats): number {
  if (estimated <= 0) return 1;
  return inputTokens === undefined ? counted / estimated : (inputTokens * calls) / estimated;
}

function factorScatter({ estimated, counted, countedSquares }: LessonSums): number {
  return estimated > 0 ? Math.sqrt(Math.max(0, countedSquares / estimated - (counted / estimated) ** 2)) : 0;
}

function pooled(one: SeenShare, other: SeenShare = { rate: 0, of: 0 }): SeenShare {
  const of = one.of + other.of;
  return { rate: of > 0 ? (one.rate * one.of + other.rate * other.of) / of : 0, of };
}

/** Never below zero. */
function around(mean: number, error: number): Range {
  return { low: Math.max(0, mean - error), expected: mean, high: mean + error };
}

function latencyOf(
  { p50Ms, p95Ms }: { readonly p50Ms?: number; readonly p95Ms?: number },
  spec: ModelSpec | undefined,
): Pick<ModelKnowledge, "latencyMs" | "slowLatencyMs"> {
  if (p50Ms === undefined || p95Ms === undefined) return assumeLatency(spec);
  const sigma = Math.max(0, Math.log(p95Ms / Math.max(1, p50Ms))) / P95_DEVIATIONS;
  const mean = p50Ms * Math.exp(sigma ** 2 / 2);
  return { latencyMs: rangeOf(() => mean), slowLatencyMs: rangeOf(() => p95Ms) };
}

/** As the route has it: not who answered, another vendor's first. */
function judgeOf(judges: readonly ModelId[], { models }: Step): ModelId | undefined {
  const others = judges.filter((id) => !models.includes(id));
  const vendors = new Set(models.map((id) => splitModelId(id).provider));
  return others.find((id) => !vendors.has(splitModelId(id).provider)) ?? others[0];
}
