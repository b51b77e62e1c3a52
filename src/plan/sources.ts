// What a plan knows by, side by side: former runs and trials, what the fleet has learned, and the file's own rows.

import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { TaskSpec } from "../job/task.ts";
import { NO_LESSONS, type LessonSums } from "../prompt/lesson-sums.ts";
import { NO_STATS, type ModelStats } from "../routing/model-stats.ts";
import { statsSubject } from "../routing/stats-book.ts";
import type { FormerRows } from "./former-rows.ts";
import type { CallTally } from "./step-sums.ts";
import type { AssumedOutput } from "./assumptions.ts";
import { createEvidence, type Evidence, type SeenStep } from "./evidence.ts";
import type { InputEstimate } from "./know-input.ts";
import type { Learned } from "./learned.ts";
import type { Trials } from "./trials.ts";

export interface KnowledgeOptions {
  readonly task: TaskSpec;
  readonly models: ReadonlyMap<ModelId, ModelSpec>;
  readonly learned: Pick<Learned, "lessons" | "stats">;
  readonly trials: Trials;
  readonly former: FormerRows;
  /** Rows of the file. */
  readonly rows: number;
  /** Our count of the rows, for the model. */
  readonly inputOf: (model: ModelId) => InputEstimate;
  /** Of the rows' requests. */
  readonly output: AssumedOutput;
}

export interface Sources extends Pick<KnowledgeOptions, "task" | "models" | "rows" | "inputOf" | "output"> {
  readonly evidence: Evidence;
  statsOf(subject: string, model: ModelId): ModelStats;
  lessonsOf(subject: string, model: ModelId): LessonSums;
  /** Calls of the kind to the model, however their rows came to it. */
  anywhere(subject: string, model: ModelId): CallTally | undefined;
  /** Those of them to rows of the file that is planned. */
  within(subject: string, model: ModelId): CallTally | undefined;
  /** Notes what has to be assumed, in words. */
  assume(what: string): void;
  assumptions(): readonly string[];
}

/** The calls of one kind that are asked about. */
export interface Asked {
  readonly id: ModelId;
  /** Under which they are learned from. */
  readonly subject: string;
  /** Of rows that came to them by the same way. */
  readonly calls: CallTally | undefined;
  readonly seen?: SeenStep;
}

export function createSources({ task, models, learned, trials, former, rows, inputOf, output }: KnowledgeOptions): Sources {
  const evidence = createEvidence(former, trials);
  const assumed = new Set<string>();
  return {
    task,
    models,
    rows,
    inputOf,
    output,
    evidence,
    statsOf: (subject, model) => learned.stats.get(statsSubject(subject, model)) ?? NO_STATS,
    lessonsOf: (subject, model) => learned.lessons.get(`${subject}|${model}`) ?? NO_LESSONS,
    anywhere: (subject, model) => (subject === task.name ? evidence.ofModel(model) : undefined),
    within: (subject, model) => (subject === task.name ? evidence.within(model) : undefined),
    assume: (what) => void assumed.add(what),
    assumptions: () => [...assumed],
  };
}

/** The same, for what is not worth telling where it has to be assumed. */
export function unheard(sources: Sources): Sources {
  return { ...sources, assume: () => undefined };
}
