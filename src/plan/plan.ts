// What a plan says of a file's rows before anything is spent: calls, tokens, cost and time, for a route and for those it could have instead.

import type { ModelSpec, ProviderSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import type { Purpose } from "../job/trail.ts";
import type { KnownAnswers } from "./known-answers.ts";

/** `low` and `high`: what it hardly is below and above, as far as the history tells. */
export const LEVELS = ["low", "expected", "high"] as const;
export type Level = (typeof LEVELS)[number];
export type Range = Readonly<Record<Level, number>>;

/** A figure of which a plan knows how far it may be off. */
export interface Known extends Range {
  /** Of nothing but a supposition: it may well lie at one of its ends. Else two standard errors, of chance alone. */
  readonly isAssumed?: true;
}

/** What figures are about: those of one kind tend to be off together, those of different kinds are off each by itself. */
export const KINDS = ["done", "input", "output", "judged"] as const;
export type Kind = (typeof KINDS)[number];
/** Reads a figure at the level at which a plan is being worked out. */
export type ReadFigure = (known: Known, kind: Kind) => number;

/** Shares that have prices of their own: of the input, read from the vendor's cache and written to it; of the output, reasoning. */
export interface TokenParts {
  readonly cached: number;
  readonly written: number;
  readonly reasoning: number;
}

export const NO_PARTS: TokenParts = { cached: 0, written: 0, reasoning: 0 };

/** How one model's calls go in one step of a route. */
export interface ModelKnowledge {
  readonly model: ModelId;
  /** Share of the calls that bring an answer. */
  readonly answerRate: number;
  /** Vendor's tokens of input: so many for each one counted here, of the rows that come to this step, and so many more (or fewer). */
  readonly inputFactor: number;
  readonly inputMore: number;
  /** By how much that may be off: 1 is what is expected. */
  readonly inputScale: Known;
  readonly outputTokens: Known;
  readonly parts: TokenParts;
  /** Times of calls: ascending, each as likely as any other; and by how much they may be off. */
  readonly latenciesMs: readonly number[];
  readonly latencyScale: Range;
}

/** A step of a route, in its place on a job's way. */
export interface StepKnowledge {
  readonly step: Step;
  /** Share of the answered rows that the step ends at first try: checks passed, or agreed. At the level `low` the one that makes the fewest calls. */
  readonly doneRate: Known;
  /** In the order of the step's models. */
  readonly models: readonly ModelKnowledge[];
  /** What becomes of rows whose answer failed its checks: shares, of 1 together. */
  readonly onFail: Readonly<Record<FailurePolicy, number>>;
  /** Of a repair: tokens of input beyond the row's own, and the share that is then done. */
  readonly repairMore: Known;
  readonly repairDoneRate: Known;
  readonly repairOutput: Known;
  /** Who judges its answers, where the task has a judge and one of them may. Where none may, rows that were to be judged go on from it. */
  readonly judge?: JudgeKnowledge;
  /** Who else may be asked, where that one gives no verdict. */
  readonly otherJudges?: readonly JudgeKnowledge[];
}

export type FailurePolicy = "repair" | "escalate" | "fail";

export interface JudgeKnowledge {
  readonly model: ModelKnowledge;
  /** Tokens of input beyond the row's own. */
  readonly inputMore: Known;
  /** Share of the judged answers that pass. */
  readonly passRate: Known;
}

/** A job's way from step to step, each taken when those before it brought nothing. */
export interface PathKnowledge {
  readonly steps: readonly StepKnowledge[];
  /** Who is asked for the complexity of every job. */
  readonly analysis?: ModelKnowledge;
}

/** Calls of one kind, for each row that takes the path. */
export interface ExpectedCalls {
  readonly model: ModelId;
  readonly purpose: Purpose;
  /** Failed ones included. */
  readonly requests: number;
  /** Those that are answered, and paid. */
  readonly answers: number;
  /** Of each answered call, in the vendor's tokens: this for each token of the row's own request, and so many more. */
  readonly inputFactor: number;
  readonly inputMore: number;
  readonly outputTokens: number;
  readonly knowledge: ModelKnowledge;
}

/** A step of a path, for each row that takes the path. */
export interface ExpectedStep {
  /** Share of the rows that come to it. */
  readonly reach: number;
  /** In the order in which a row has them. */
  readonly calls: readonly ExpectedCalls[];
}

export interface PlannedModel {
  readonly model: ModelId;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
}

export interface PlannedRoute {
  readonly name: string;
  /** `route`: the task's own · `strategy`: its models by another strategy · `model`: one model for all rows. */
  readonly kind: "route" | "strategy" | "model";
  readonly calls: Range;
  readonly inputTokens: Range;
  readonly outputTokens: Range;
  readonly costNanoUsd: Range;
  /** Every step of the route once for every row, with its repairs and the verdicts of all who may judge, and all answers as long as they may be. */
  readonly worstCostNanoUsd: number;
  readonly timeMs: Range;
  /** What keeps it from being faster. */
  readonly boundBy: string;
  /** Expected, in the order of the cost. */
  readonly models: readonly PlannedModel[];
  /** Rows that no model of it can or may take. */
  readonly unableRows: number;
  /** Models without a price that rows may come to, at worst: their calls count for nothing in the cost. */
  readonly unpriced: readonly ModelId[];
}

/** The rows of a file. */
export interface PlannedRows {
  readonly total: number;
  readonly good: number;
  readonly bad: number;
  /** Rows that were not drawn count as bad by the share of those drawn of which no request could be made. */
  readonly isBadEstimated?: true;
  /** Those whose tokens were estimated; fewer than `good` for a sample of them. */
  readonly estimated: number;
  /** By how much the sample's mean input may be off, as a share (two standard errors); 0 where every row was estimated. */
  readonly sampleError: number;
  readonly firstBad: string | undefined;
}

export interface Plan {
  readonly task: string;
  readonly input: string;
  readonly rows: PlannedRows & {
    /** Have a result already: a run of this file doesn't call them again. */
    readonly done: number;
  };
  /** Answers: of the models that the route asks first. */
  readonly history: KnownAnswers & {
    /** Rows that trials asked of the models, and when (unix ms). */
    readonly trialRows: number;
    readonly trialsAt?: number;
    /** Rows of former runs that it goes by, of how many batches, and when the last of them ended (unix ms). */
    readonly formerRows: number;
    readonly formerBatches: number;
    readonly formerAt?: number;
  };
  /** Rows that a sample would have to ask for the cost to be within a tenth; absent: it is, or a sample would not help. */
  readonly sampleRows?: number;
  /** What the figures rest on where nothing is known, in words. */
  readonly assumptions: readonly string[];
  /** What no history tells, or no figure holds, in words. */
  readonly omissions: readonly string[];
  /** The model that all rows alone are compared with, one of `routes`; absent: none was named. */
  readonly baseline?: ModelId;
  /** The task's own route first. */
  readonly routes: readonly PlannedRoute[];
}

/** What a plan asks of the configuration. */
export interface PlannedFleet {
  readonly models: ReadonlyMap<ModelId, ModelSpec>;
  readonly providers: ReadonlyMap<string, ProviderSpec>;
  /** `windowRows`: most rows of a batch that are in the queues at once. */
  readonly queues: { readonly windowRows: number };
}

export function rangeOf(of: (level: Level) => number): Range {
  return { low: of("low"), expected: of("expected"), high: of("high") };
}
