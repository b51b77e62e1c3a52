// How long answers are: of rows that came by the same way, else of rows of the file itself, else by whichever of former runs, trials and lessons has seen more of
// them, else by assumption.

import type { ModelId } from "../job/names.ts";
import type { Known } from "./plan.ts";
import { meanAround } from "./spread.ts";
import { meanInput, meanOutput, outputSlope } from "./call-means.ts";
import type { CallTally } from "./step-sums.ts";
import { assumeOutput, ASSUMED_SIDE_OUTPUT } from "./assumptions.ts";
import type { Asked, Sources } from "./sources.ts";

interface SeenOutput {
  readonly mean: number;
  readonly scatter: number;
  readonly of: number;
  /** All of them are of rows of the file that is planned. */
  readonly isWithin?: boolean;
  readonly calls?: CallTally;
}

/** Fewer answers than these say nothing. */
const LEAST_ANSWERS = 5;
/** So many of rows that came by the same way need no other word. */
const ENOUGH_ANSWERS = 10;
/** Rows that are longer by a smaller share are as long. */
const LONGER = 0.05;
/** What was seen of rows of one length holds for others only so far. */
const MOST_LONGER = 3;

/** `inputTokens`: what is expected of the file's rows, by the vendor's count. Cut-off and failed answers are in the mean. */
export function knowOutput(sources: Sources, asked: Asked, inputTokens: number): Known {
  const { task, models, rows, output } = sources;
  const best = bestOutput(sources, asked);
  if (best) {
    const longer = longerBy(best, inputTokens);
    const { isWithin = false, of: seen } = best;
    return meanAround(best.mean * lengthened(best, longer), best.scatter, { seen, rows, isWithin, longer });
  }
  sources.assume(`the answers of ${asked.id} were never seen`);
  if (asked.subject !== task.name) return { ...ASSUMED_SIDE_OUTPUT, isAssumed: true };
  return { ...assumeOutput(models.get(asked.id), task, { ...output, others: othersOutput(sources) }), isAssumed: true };
}

export function isSeen(sources: Sources, asked: Asked): boolean {
  return bestOutput(sources, asked) !== undefined;
}

function bestOutput(sources: Sources, { id, subject, calls, seen }: Asked): SeenOutput | undefined {
  const own = seenOutput(calls, seen?.isWithin);
  if (own && own.of >= ENOUGH_ANSWERS) return own;
  const within = seenOutput(sources.within(subject, id), true);
  if (within) return within;
  const found = [own, seenOutput(sources.anywhere(subject, id)), learnedOutput(sources, subject, id)];
  return found.filter((each) => each !== undefined).toSorted((a, b) => b.of - a.of)[0];
}

function seenOutput(calls: CallTally | undefined, isWithin = false): SeenOutput | undefined {
  return calls && calls.answers >= LEAST_ANSWERS ? { ...meanOutput(calls), of: calls.answers, isWithin, calls } : undefined;
}

function learnedOutput(sources: Sources, subject: string, id: ModelId): SeenOutput | undefined {
  const { answers, output, outputSquares } = sources.lessonsOf(subject, id);
  if (answers < LEAST_ANSWERS) return undefined;
  const { calls, answerRate, outputTokens } = sources.statsOf(subject, id);
  const lesson = output / answers;
  const scatter = Math.sqrt(Math.max(0, outputSquares / answers - lesson ** 2));
  return { mean: calls * answerRate >= LEAST_ANSWERS && outputTokens !== undefined ? outputTokens : lesson, scatter, of: answers };
}

/** So many times as long are the file's rows as those seen; 1 where hardly, or nobody knows. */
function longerBy({ calls }: SeenOutput, inputTokens: number): number {
  const before = calls ? meanInput(calls).mean : 0;
  const longer = before > 0 && inputTokens > 0 ? inputTokens / before : 1;
  return Math.abs(longer - 1) < LONGER ? 1 : longer;
}

/** Where answers were seen to grow with their rows, those of longer rows are longer. */
function lengthened({ mean, calls }: SeenOutput, longer: number): number {
  if (!calls || mean <= 0 || longer === 1) return 1;
  const more = outputSlope(calls) * (longer - 1) * meanInput(calls).mean;
  return Math.min(MOST_LONGER, Math.max(1 / MOST_LONGER, 1 + more / mean));
}

/** The mean of the task's models that were seen. */
function othersOutput(sources: Sources): number | undefined {
  const { task, models } = sources;
  const seen = Array.from(models.keys()).flatMap((id) => bestOutput(sources, { id, subject: task.name, calls: undefined }) ?? []);
  return seen.length === 0 ? undefined : seen.reduce((sum, { mean }) => sum + mean, 0) / seen.length;
}
