// What is known of one model's calls: those that answer a row, and those beside it, of who judges the answer or tells how hard the row is.

import type { LessonSums } from "../prompt/lesson-sums.ts";
import { NO_PARTS, type Known, type ModelKnowledge, type TokenParts } from "./plan.ts";
import { exactly } from "./spread.ts";
import { meanInput, partsOf } from "./call-means.ts";
import type { CallTally } from "./step-sums.ts";
import { knowInput, type InputKnowledge, type InputSeen } from "./know-input.ts";
import { knowLatency } from "./know-latency.ts";
import { isSeen, knowOutput } from "./know-output.ts";
import type { Asked, Sources } from "./sources.ts";

const LEAST_CALLS = 5;
/** So many calls say how many of them fail. */
const ENOUGH_CALLS = 10;
const SUPPOSED = { low: 0.5, high: 2 };

export function knowModel(sources: Sources, asked: Asked): ModelKnowledge {
  const { id, subject, calls } = asked;
  const { isAssumed, ...input } = knowTokens(sources, asked);
  // Of a model whose answers were never seen either, one word is enough (plan-outputs.ts).
  if (isAssumed && isSeen(sources, asked)) sources.assume(`how ${id} counts the input was never seen`);
  return {
    model: id,
    answerRate: answerRateOf(sources, asked),
    ...input,
    outputTokens: knowOutput(sources, asked, input.inputFactor * sources.inputOf(id).mean + input.inputMore),
    parts: knowParts(calls, sources.anywhere(subject, id)),
    ...knowLatency([calls, sources.anywhere(subject, id)], sources.statsOf(subject, id), sources.models.get(id)),
  };
}

/**
 * Of calls whose request holds the row's: it grows with that. `supposedMore`: tokens beside those of the row where no call was seen. What they have beside the row is in
 * `inputMore`.
 */
export function knowSideModel(
  sources: Sources,
  asked: Asked,
  { ours, supposedMore }: { readonly ours: number; readonly supposedMore: number },
): { readonly model: ModelKnowledge; readonly inputMore: Known } {
  const { id, subject, calls } = asked;
  const mean = countedMean(calls, sources.lessonsOf(subject, id));
  const model = {
    model: id,
    answerRate: answerRateOf(sources, asked),
    inputFactor: 1,
    inputMore: 0,
    inputScale: exactly(1),
    outputTokens: knowOutput(sources, asked, 0),
    parts: knowParts(calls),
    ...knowLatency([calls], sources.statsOf(subject, id), sources.models.get(id)),
  };
  return { model, inputMore: mean === undefined ? supposed(supposedMore) : exactly(mean - ours) };
}

export function supposed(value: number): Known {
  return { low: value * SUPPOSED.low, expected: value, high: value * SUPPOSED.high, isAssumed: true };
}

function countedMean(calls: CallTally | undefined, lessons: LessonSums): number | undefined {
  if (calls && calls.answers >= LEAST_CALLS) return meanInput(calls).mean;
  return lessons.calls >= LEAST_CALLS ? lessons.counted / lessons.calls : undefined;
}

/** `tallies`: the likeliest first. */
function knowParts(...tallies: readonly (CallTally | undefined)[]): TokenParts {
  const seen = tallies.find((tally) => tally !== undefined && tally.answers >= LEAST_CALLS);
  return seen ? partsOf(seen) : NO_PARTS;
}

function answerRateOf(sources: Sources, { id, subject, calls }: Asked): number {
  if (calls && calls.requests >= ENOUGH_CALLS) return calls.answers / calls.requests;
  const stats = sources.statsOf(subject, id);
  return stats.calls > 0 ? stats.answerRate : 1;
}

function knowTokens(sources: Sources, { id, subject, calls: same, seen }: Asked): InputKnowledge {
  const calls = same ?? sources.anywhere(subject, id);
  const own: InputSeen | undefined = calls && { counts: calls.counts, longer: same && seen ? seen.longer : 0 };
  return knowInput(sources.inputOf(id), own, {
    lessons: sources.lessonsOf(subject, id),
    counted: sources.statsOf(subject, id).inputTokens,
  });
}
