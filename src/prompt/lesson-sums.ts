// What the calls of one task to one model have taught, as sums: how the vendor's count of the input compares with ours, and how long answers are.
// Old lessons fade: each new one takes a five-hundredth off the weight of those before it.

import type { Usage } from "../job/usage.ts";
import type { TokenEstimate } from "./token-estimate.ts";

export interface LessonSums {
  /** Faded number of calls whose input was counted; our and the vendor's sums of it, in tokens; and of the vendor's squares over ours, for the scatter. */
  readonly calls: number;
  readonly estimated: number;
  readonly counted: number;
  readonly countedSquares: number;
  /** Faded number of whole answers; the sums of their tokens and of the squares of those. */
  readonly answers: number;
  readonly output: number;
  readonly outputSquares: number;
}

export interface ExpectedTokens {
  readonly inputFactor: number;
  /** The factor and three standard deviations of it: hardly a prompt is counted higher. */
  readonly highInputFactor: number;
  /** As far as is certain: a few odd answers hardly move it. For limits and reservations. */
  readonly outputTokens: number;
  /** The mean of what was seen, from the first answers on: wrong now and then, right on average. For what is booked unseen. */
  readonly likelyOutputTokens: number;
}

export const NO_LESSONS: LessonSums = { calls: 0, estimated: 0, counted: 0, countedSquares: 0, answers: 0, output: 0, outputSquares: 0 };
/** So much do lessons weigh together at most: each new one takes its share from those before it. */
export const MOST_WEIGHT = 500;

/** Bounds of the input's factor. Each lesson is held to them, so no vendor's slip outweighs all the others. */
const LOWEST_FACTOR = 0.5;
const HIGHEST_FACTOR = 3;
/** How many lessons the estimate itself weighs. A prompt's factor is nearly the same each time, an answer's length isn't. */
const INPUT_PRIOR = 2;
/** Standard deviation of the factor before anything is known. */
const INPUT_PRIOR_SCATTER = 0.1;
const HIGH_DEVIATIONS = 1;
const OUTPUT_PRIOR = 10;
const LIKELY_OUTPUT_PRIOR = 0.1;
/** No model answers at greater length: more is a vendor's slip. */
const LONGEST_OUTPUT = 1_000_000;

/** What one call teaches; of an answer that was cut off, nothing about its length. Undefined where the vendor told nothing. */
export function lessonOf(estimate: TokenEstimate, usage: Usage, { isWhole }: { readonly isWhole: boolean }): LessonSums | undefined {
  const { inputTokens: estimated, maxOutputTokens = LONGEST_OUTPUT } = estimate;
  if (!(estimated > 0 && usage.inputTokens > 0 && Number.isFinite(usage.inputTokens))) return undefined;
  const counted = clamp(usage.inputTokens, LOWEST_FACTOR * estimated, HIGHEST_FACTOR * estimated);
  const input = { ...NO_LESSONS, calls: 1, estimated, counted, countedSquares: counted ** 2 / estimated };
  if (!isWhole || !(usage.outputTokens >= 0 && Number.isFinite(usage.outputTokens))) return input;
  const output = Math.min(usage.outputTokens, maxOutputTokens, LONGEST_OUTPUT);
  return { ...input, answers: 1, output, outputSquares: output ** 2 };
}

/** Older lessons and newer ones together, the same in whatever portions they come (lesson-script.ts has the same rule). */
export function foldLessons(older: LessonSums, newer: LessonSums): LessonSums {
  const input = Math.max(0, 1 - newer.calls / MOST_WEIGHT);
  const output = Math.max(0, 1 - newer.answers / MOST_WEIGHT);
  return {
    calls: older.calls * input + newer.calls,
    estimated: older.estimated * input + newer.estimated,
    counted: older.counted * input + newer.counted,
    countedSquares: older.countedSquares * input + newer.countedSquares,
    answers: older.answers * output + newer.answers,
    output: older.output * output + newer.output,
    outputSquares: older.outputSquares * output + newer.outputSquares,
  };
}

/** Begins as the estimate has it. */
export function expectTokens(sums: LessonSums, estimatedOutput: number): ExpectedTokens {
  const { calls, estimated, counted, countedSquares, answers, output } = sums;
  const ratio = estimated > 0 ? clamp(counted / estimated, LOWEST_FACTOR, HIGHEST_FACTOR) : 1;
  const inputFactor = (calls * ratio + INPUT_PRIOR) / (calls + INPUT_PRIOR);
  const variance = estimated > 0 ? Math.max(0, countedSquares / estimated - (counted / estimated) ** 2) : 0;
  const scatter = Math.sqrt((calls * variance + INPUT_PRIOR * INPUT_PRIOR_SCATTER ** 2) / (calls + INPUT_PRIOR));
  const meanOutput = (prior: number) => (output + prior * estimatedOutput) / (answers + prior);
  return {
    inputFactor,
    highInputFactor: Math.min(HIGHEST_FACTOR, inputFactor + HIGH_DEVIATIONS * scatter),
    outputTokens: meanOutput(OUTPUT_PRIOR),
    likelyOutputTokens: meanOutput(LIKELY_OUTPUT_PRIOR),
  };
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest);
}
