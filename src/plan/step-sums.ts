// What became of rows that came to a step of a route, as sums: of its calls, of those behind them, and of how many rows went on. Filled from former runs and
// from trials; sums of both add up.

import type { ModelId } from "../job/names.ts";
import type { Step } from "../job/task.ts";
import type { TrailEntry } from "../job/trail.ts";

/** Calls of one kind to one model. */
export interface CallTally {
  /** Failed ones included, and those that brought something that was paid. */
  requests: number;
  answers: number;
  /** Of answers, in the vendor's tokens. */
  inputTokens: number;
  inputSquares: number;
  outputTokens: number;
  outputSquares: number;
  /** Parts of the input, and of the output. */
  cachedInputTokens: number;
  cacheWriteTokens: number;
  reasoningTokens: number;
  /** Input times output: whether answers grow with the rows. */
  products: number;
  /** Of those whose input we had counted as well: how the vendor's count goes with ours. */
  readonly counts: CountTally;
  /** Of answers, one of so many ({@link latencyStride}), evenly. */
  latenciesMs: number[];
  latencyStride: number;
}

/** Calls with both counts of their input: ours, and the vendor's. */
export interface CountTally {
  calls: number;
  ours: number;
  oursSquares: number;
  theirs: number;
  theirsSquares: number;
  products: number;
}

export interface StepTally {
  /** Rows that came, and those for which every call brought an answer. */
  rows: number;
  answered: number;
  /** Of these: done at first try; repaired, and done by that; ended without. */
  done: number;
  repaired: number;
  repairDone: number;
  ended: number;
  /** Of a trial, where nobody saw what becomes of a row whose answer failed. */
  untold: number;
  /** Of judged answers, how many got each score, from 0 to 10. */
  readonly scores: number[];
  /** Of the rows that came, the input of their first calls, and of how many it is known. */
  firstInputTokens: number;
  firstRows: number;
  readonly models: Map<ModelId, CallTally>;
  readonly repairs: CallTally;
  readonly judges: Map<ModelId, CallTally>;
}

const MOST_LATENCIES = 1_000;
const BEST_SCORE = 10;

export function newStepTally(): StepTally {
  return {
    rows: 0,
    answered: 0,
    done: 0,
    repaired: 0,
    repairDone: 0,
    ended: 0,
    untold: 0,
    firstInputTokens: 0,
    firstRows: 0,
    scores: Array.from({ length: BEST_SCORE + 1 }, () => 0),
    models: new Map(),
    repairs: newCallTally(),
    judges: new Map(),
  };
}

export function newCallTally(): CallTally {
  return {
    requests: 0,
    answers: 0,
    inputTokens: 0,
    inputSquares: 0,
    outputTokens: 0,
    outputSquares: 0,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    products: 0,
    counts: { calls: 0, ours: 0, oursSquares: 0, theirs: 0, theirsSquares: 0, products: 0 },
    latenciesMs: [],
    latencyStride: 1,
  };
}

/** Steps are known again by who is asked in them. */
export function stepKey({ models }: Pick<Step, "models">): string {
  return models.toSorted().join("+");
}

export function wayKey(way: readonly Pick<Step, "models">[]): string {
  return way.map(stepKey).join(">");
}

/** Whether a {@link wayKey} is that of a way's first step. */
export function isFirst(way: string): boolean {
  return !way.includes(">");
}

export function callsOf(tallies: Map<ModelId, CallTally>, model: ModelId): CallTally {
  const found = tallies.get(model) ?? newCallTally();
  tallies.set(model, found);
  return found;
}

type CountedCall = Pick<TrailEntry, "outcome" | "usage" | "latencyMs" | "estimatedInputTokens" | "isEstimated">;

/** What a vendor throttles is asked again, and says nothing. */
export function countCall(tally: CallTally, { outcome, usage, latencyMs, estimatedInputTokens, isEstimated }: CountedCall): void {
  if (outcome === "throttled" || outcome === "cancelled" || outcome === "expired") return;
  tally.requests++;
  if (!isAnswer({ outcome })) return;
  const { inputTokens, outputTokens } = usage;
  tally.answers++;
  tally.inputTokens += inputTokens;
  tally.inputSquares += inputTokens ** 2;
  tally.outputTokens += outputTokens;
  tally.outputSquares += outputTokens ** 2;
  tally.cachedInputTokens += usage.cachedInputTokens;
  tally.cacheWriteTokens += usage.cacheWriteTokens;
  tally.reasoningTokens += usage.reasoningTokens;
  tally.products += inputTokens * outputTokens;
  if (estimatedInputTokens !== undefined && !isEstimated) countBoth(tally.counts, estimatedInputTokens, inputTokens);
  if (tally.answers % tally.latencyStride === 0) addLatencies(tally, [latencyMs]);
}

/** Beyond as many as are kept, every second one goes. */
function addLatencies(tally: CallTally, latenciesMs: readonly number[]): void {
  tally.latenciesMs.push(...latenciesMs);
  while (tally.latenciesMs.length > MOST_LATENCIES) thinOut(tally);
}

function thinOut(tally: CallTally): void {
  tally.latencyStride *= 2;
  tally.latenciesMs = tally.latenciesMs.filter((_, i) => i % 2 === 1);
}

function countBoth(counts: CountTally, ours: number, theirs: number): void {
  counts.calls++;
  counts.ours += ours;
  counts.oursSquares += ours ** 2;
  counts.theirs += theirs;
  counts.theirsSquares += theirs ** 2;
  counts.products += ours * theirs;
}

/** With the score that a judge's call has in the trail (workers/call-maker.ts). */
export function countJudgements(tally: StepTally, calls: readonly TrailEntry[]): void {
  for (const call of calls) {
    countCall(callsOf(tally.judges, call.model), call);
    const [, score] = /^(\d+) of 10: /.exec(call.reason ?? "") ?? [];
    if (call.outcome === "answered" && score !== undefined && Number(score) <= BEST_SCORE) tally.scores[Number(score)]!++;
  }
}

/** The vendor's last word to the call, whether it was of use or not; some aren't paid. */
export function isAnswer({ outcome }: Pick<TrailEntry, "outcome">): boolean {
  return outcome === "answered" || outcome === "unfit" || outcome === "refused";
}

const COUNT_SUMS = ["calls", "ours", "oursSquares", "theirs", "theirsSquares", "products"] as const;
const CALL_SUMS = [
  "requests",
  "answers",
  "inputTokens",
  "inputSquares",
  "outputTokens",
  "outputSquares",
  "cachedInputTokens",
  "cacheWriteTokens",
  "reasoningTokens",
  "products",
] as const;

export function addCalls(to: CallTally, from: CallTally): void {
  for (const key of CALL_SUMS) to[key] += from[key];
  for (const key of COUNT_SUMS) to.counts[key] += from.counts[key];
  while (to.latencyStride < from.latencyStride) thinOut(to);
  const every = to.latencyStride / from.latencyStride;
  addLatencies(
    to,
    from.latenciesMs.filter((_, i) => (i + 1) % every === 0),
  );
}

const STEP_SUMS = ["rows", "answered", "done", "repaired", "repairDone", "ended", "untold", "firstInputTokens", "firstRows"] as const;

export function addSteps(to: StepTally, from: StepTally): void {
  for (const key of STEP_SUMS) to[key] += from[key];
  for (const [score, count] of from.scores.entries()) to.scores[score]! += count;
  for (const [model, tally] of from.models) addCalls(callsOf(to.models, model), tally);
  addCalls(to.repairs, from.repairs);
  for (const [model, tally] of from.judges) addCalls(callsOf(to.judges, model), tally);
}
