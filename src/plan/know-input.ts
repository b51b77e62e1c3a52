// How many tokens of input a vendor will count for a row, told from our count of it: by former calls of which both counts are known, by what was learned of both,
// else by assumption.
//
// Counts differ by the tokenizer, which goes with the text, and by what a vendor puts around a prompt or doesn't count, such as a schema, which doesn't. So what
// is known of rows of one length is carried over to those of another by the text alone.

import type { LessonSums } from "../prompt/lesson-sums.ts";
import type { Known, ModelKnowledge } from "./plan.ts";
import { countSlope } from "./call-means.ts";
import type { CountTally } from "./step-sums.ts";
import { ASSUMED_INPUT } from "./assumptions.ts";

/** Our count of the file's rows, for one model. */
export interface InputEstimate {
  readonly mean: number;
  readonly scatter: number;
  /** Of it, what is no text of the messages: system prompt, schema, frame. */
  readonly fixed: number;
  /** So much of it is shown to who is asked for the rows' complexity: a mean. */
  readonly shown: number;
  readonly rows: number;
}

/** Both counts, of rows that came to the step. */
export interface InputSeen {
  readonly counts: CountTally;
  /** By how much those rows are longer than all rows were, in the vendor's tokens. */
  readonly longer: number;
}

export interface InputKnowledge extends Pick<ModelKnowledge, "inputFactor" | "inputMore" | "inputScale"> {
  /** Nothing is known of how the vendor counts. */
  readonly isAssumed?: true;
}

/** Fewer calls say nothing. */
const LEAST_CALLS = 5;
/** Lessons are held to bounds (src/prompt/lesson-sums.ts): at those they tell nothing. */
const LOWEST_LESSON = 0.505;
const HIGHEST_LESSON = 2.97;
/** By how much vendors' tokenizers differ from ours, and their counts of what is no text from ours: standard deviations. */
const TEXT_SCATTER = 0.15;
const FIXED_SCATTER = 0.6;
/** What was learned of other rows holds for these only so far: as a share. */
const LEAST_ERROR = 0.05;
/** Of the vendor's tokens for one of ours: a slope that is known no better than so says less than what is likely of any vendor. */
const SURE_SLOPE = 0.1;
/** Rows of another length may be of another kind, too. */
const OTHER_SLOPE = 0.1;
const LOWEST_SLOPE = 0.2;
const HIGHEST_SLOPE = 3;
/** The vendor may count nothing but the text, and that lower than we do. */
const LOWEST_OF_TEXT = 0.55;

/** `counted`: the vendor's mean of late, for lessons that are at their bounds. */
export function knowInput(
  estimate: InputEstimate,
  seen: InputSeen | undefined,
  learned: { readonly lessons: LessonSums; readonly counted: number | undefined },
): InputKnowledge {
  const known = seenMeans(estimate, seen) ?? learnedMeans(estimate, learned.lessons, learned.counted);
  if (!known) return { inputFactor: 1, inputMore: 0, inputScale: assumedInput(estimate), isAssumed: true };
  const { ours, theirs, slope, slopeError, error } = known;
  // The rows that come to the step are longer than all those of the file, as they were before.
  const longer = seen?.longer ?? 0;
  const inputMore = theirs - slope * ours + longer;
  const mean = Math.max(1, slope * estimate.mean + inputMore);
  const off = LEAST_ERROR + error + (slopeError * Math.abs(estimate.mean + longer / slope - ours)) / mean;
  return { inputFactor: slope, inputMore, inputScale: { low: Math.max(0, 1 - off), expected: 1, high: 1 + off } };
}

interface Means {
  readonly ours: number;
  readonly theirs: number;
  /** Vendor's tokens for one more of ours, and by how much it may be off. */
  readonly slope: number;
  readonly slopeError: number;
  /** Of the means' ratio, as a share. */
  readonly error: number;
}

function seenMeans({ fixed }: InputEstimate, seen: InputSeen | undefined): Means | undefined {
  if (!seen || seen.counts.calls < LEAST_CALLS) return undefined;
  const { calls } = seen.counts;
  const ours = seen.counts.ours / calls;
  const theirs = seen.counts.theirs / calls;
  const found = countSlope(seen.counts);
  const isSure = found && found.error <= SURE_SLOPE * found.slope;
  const slope = isSure ? Math.min(HIGHEST_SLOPE, Math.max(LOWEST_SLOPE, found.slope)) : textFactor(ours, theirs, fixed);
  return { ours, theirs, slope, slopeError: 2 * (isSure ? Math.hypot(found.error, OTHER_SLOPE) : TEXT_SCATTER), error: 0 };
}

function learnedMeans({ fixed }: InputEstimate, lessons: LessonSums, elsewhere: number | undefined): Means | undefined {
  const { calls, estimated, counted, countedSquares } = lessons;
  if (calls < LEAST_CALLS || estimated <= 0) return undefined;
  const ours = estimated / calls;
  const factor = counted / estimated;
  const isBounded = factor <= LOWEST_LESSON || factor >= HIGHEST_LESSON;
  if (isBounded && elsewhere === undefined) return undefined;
  const theirs = isBounded ? elsewhere! : counted / calls;
  const scatter = isBounded ? 0 : Math.sqrt(Math.max(0, countedSquares / estimated - factor ** 2));
  const error = (2 * scatter) / factor / Math.sqrt(calls);
  return { ours, theirs, slope: textFactor(ours, theirs, fixed), slopeError: 2 * TEXT_SCATTER, error };
}

/** The vendor's tokens for one more of ours: of all ways to explain by how much the counts differ, by the text and by the rest, the likeliest. */
function textFactor(ours: number, theirs: number, fixed: number): number {
  const text = Math.max(0, ours - fixed);
  const ofText = (TEXT_SCATTER * text) ** 2;
  const ofFixed = (FIXED_SCATTER * fixed) ** 2;
  if (ofText <= 0) return 1;
  return Math.min(2, Math.max(0.5, 1 + ((theirs - ours) * ofText) / text / (ofText + ofFixed)));
}

/** The vendor may not count what is no text at all. */
function assumedInput({ mean, fixed }: InputEstimate): Known {
  const text = mean > 0 ? (LOWEST_OF_TEXT * (mean - fixed)) / mean : 0;
  return { ...ASSUMED_INPUT, low: Math.min(ASSUMED_INPUT.low, text), isAssumed: true };
}
