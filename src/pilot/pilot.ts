// The pilot: what a sample of a task's rows, answered by every candidate model, says about cost and quality of the models and of routes
// made of them. This file is the contract: what comes in, and the report that goes out; analyse-pilot.ts makes the one of the other.
//
// Shares and differences of quality lie in [0, 1]; a "point" is 0.01. Costs are nano-dollars a job.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";

/** What one model said to one row of the sample. */
export interface PilotAnswer {
  /** The canonical text that is compared; absent: no usable answer. */
  readonly value: string | undefined;
  /** Its task's checks. */
  readonly passed: boolean;
  /** Only after a repair: its first answer failed them. */
  readonly isRepaired?: true;
  /** Against gold, or by a judge; absent where neither was asked. */
  readonly correct?: boolean;
  readonly costNanoUsd: number;
  readonly latencyMs: number;
}

export interface PilotRow {
  readonly row: number;
  readonly answers: Readonly<Record<ModelId, PilotAnswer>>;
}

/** Where `correct` comes from; `agreement`: it is missing, and the answer that most models gave stands in for it. */
export type Basis = "gold" | "judge" | "agreement";

export interface PilotInput {
  readonly rows: readonly PilotRow[];
  /** The vendor matters: the agreement of two vendors' models is worth more. */
  readonly models: readonly { readonly id: ModelId; readonly provider: string }[];
  /** A quality to hold instead of the best single model's, 0 to 1. */
  readonly floor?: number;
  /** For what is drawn by chance; nothing is so far, and the same answers give the same report. */
  readonly seed: number;
  /** Who said what is correct; absent: gold, if it was said at all. */
  readonly correctBy?: "gold" | "judge";
}

/** 95 %, unless it is said otherwise. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How much better (above 0) or worse than another route, on the same rows. */
export interface Difference {
  readonly mean: number;
  readonly interval: Interval;
}

/** Measured on the sample: a single model or a cascade. */
export interface MeasuredRoute {
  /** One model, or steps as a task's route has them: each takes what those before it left open. */
  readonly steps: readonly Step[];
  readonly quality: number;
  readonly interval: Interval;
  readonly costNanoUsd: number;
  readonly p50LatencyMs: number;
  /** To the best single model. */
  readonly toBest: Difference;
  /** Share of the rows that came as far as each step. */
  readonly reach: readonly number[];
}

export interface MeasuredModel extends MeasuredRoute {
  readonly model: ModelId;
  readonly provider: string;
  /** Share of its answers that passed the checks. */
  readonly passRate: number;
}

/** A route with what may be expected of it on other rows: shrinkage takes the luck of the sample out of cascades (gap-estimate.ts). */
export interface Choice extends MeasuredRoute {
  readonly expectedToBest: number;
  /** Probability of lying more than the margin (choose.ts) below the quality that is to be held. */
  readonly risk: number;
  /** Of the best single model's cost. */
  readonly costShare: number;
}

/** `savedShare`: of the recommended route's cost. */
export interface Saving extends Choice {
  readonly savedShare: number;
}

export interface MeasuredCascade extends Choice {
  /** Can be expected to hold the quality that is to be held. */
  readonly isAcceptable: boolean;
  /** Nothing that is mixed at random from single models is as good at its cost. */
  readonly isAboveMixing: boolean;
}

/** A point of cost against quality. */
export interface CostQuality {
  readonly costNanoUsd: number;
  readonly quality: number;
}

/** Share, and of how many. */
export interface Rate {
  readonly rate: number;
  readonly of: number;
}

export interface PilotReport {
  readonly basis: Basis;
  /** Rows that all candidates answered, and that count. */
  readonly rows: number;
  /** Rows that don't, for want of an answer or of a verdict. */
  readonly leftOutRows: number;
  readonly leftOutModels: readonly { readonly model: ModelId; readonly reason: string }[];
  /** Cheapest first. */
  readonly models: readonly MeasuredModel[];
  /** The one that the sample picks: right most often, the cheaper of two equals. Absent: no model is left. */
  readonly best?: MeasuredModel;
  /** How many were looked at, and how many of them pass. */
  readonly cascadesTried: number;
  readonly cascadesAcceptable: number;
  /** Those worth showing, cheapest first: acceptable or above random mixing, and beaten by no other in both cost and expected quality. */
  readonly cascades: readonly MeasuredCascade[];
  /** Corners of the line of random mixing between single models, cheapest first. */
  readonly mixing: readonly CostQuality[];
  /** The same with the cascades. */
  readonly hull: readonly CostQuality[];
  readonly floor?: number;
  readonly recommended?: Choice;
  /** What holding less would allow ({@link LOWERED_BY}), where that saves something. */
  readonly lowered?: Saving;
  /** Where it saves nothing: of the routes that cost clearly less, the one that comes nearest to what is to be held. */
  readonly nearest?: Saving;
  /** What to hold the recommended route against later: passed checks by model, agreements by the step's models joined by `+`. */
  readonly baseline: { readonly passRates: Readonly<Record<ModelId, Rate>>; readonly agreements: Readonly<Record<string, Rate>> };
  /** Why, in sentences. */
  readonly reasons: readonly string[];
}

/** The offer below what is recommended: 1.5 points less quality. */
export const LOWERED_BY = 0.015;
