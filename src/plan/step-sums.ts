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
  /** Of judged answers, how many got each score, from 0 to 10. */
  readonly scores: number[];
  /** Of the rows that came, the input of their first calls. */
  firstInputTokens: number;
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
    firstInputTokens: 0,
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

type CountedCall = Pick<TrailEntry, "outcome" | "usage" | "latencyMs" | "estimatedInputTokens">;

/** What a vendor throttles is asked again, and says nothing. */
export function countCall(tally: CallTally, { outcome, usage, latencyMs, estimatedInputTokens }: CountedCall): void {
  if (outcome === "throttled" || outcome === "cancelled" || outcome === "expired") return;
  tally.requests++;
  if (!isAnswer({ outcome, usage })) return;
  const { inputTokens, outputTokens } = usage;
  tally.answers++;
  tally.inputTokens += inputTokens;
  tally.inputSquares += inputTokens ** 2;
  tally.outputTokens += outputTokens;
  tally.outputSquares += outputTokens ** 2;
  tally.products += inputTokens * outputTokens;
  if (estimatedInputTokens !== undefined) countBoth(tally.counts, estimatedInputTokens, inputTokens);
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

/** Paid, whether it was of use or not. */
export function isAnswer({ outcome, usage }: Pick<TrailEntry, "outcome" | "usage">): boolean {
  return outcome === "answered" || ((outcome === "unfit" || outcome === "refused") && usage.outputTokens > 0);
}

export function addCalls(to: CallTally, from: CallTally): void {
  for (const key of ["requests", "answers", "inputTokens", "inputSquares", "outputTokens", "outputSquares", "products"] as const)
    to[key] += from[key];
  for (const key of ["calls", "ours", "oursSquares", "theirs", "theirsSquares", "products"] as const) to.counts[key] += from.counts[key];
  while (to.latencyStride < from.latencyStride) thinOut(to);
  const every = to.latencyStride / from.latencyStride;
  addLatencies(
    to,
    from.latenciesMs.filter((_, i) => (i + 1) % every === 0),
  );
}

export function addSteps(to: StepTally, from: StepTally): void {
  for (const key of ["rows", "answered", "done", "repaired", "repairDone", "ended", "firstInputTokens"] as const) to[key] += from[key];
  for (const [score, count] of from.scores.entries()) to.scores[score]! += count;
  for (const [model, tally] of from.models) addCalls(callsOf(to.models, model), tally);
  addCalls(to.repairs, from.repairs);
  for (const [model, tally] of from.judges) addCalls(callsOf(to.judges, model), tally);
}

/** Mean and standard deviation, of answers. */
export function meanOutput({ answers, outputTokens, outputSquares }: CallTally): { readonly mean: number; readonly scatter: number } {
  return moments(answers, outputTokens, outputSquares);
}

export function meanInput({ answers, inputTokens, inputSquares }: CallTally): { readonly mean: number; readonly scatter: number } {
  return moments(answers, inputTokens, inputSquares);
}

function moments(of: number, sum: number, squares: number) {
  const mean = of > 0 ? sum / of : 0;
  return { mean, scatter: of > 0 ? Math.sqrt(Math.max(0, squares / of - mean ** 2)) : 0 };
}

/** Fewer show no slope. */
const LEAST_FOR_SLOPE = 50;
const CLEARLY = 4;

/** How one figure goes with another, by least squares. */
export interface Slope {
  readonly slope: number;
  /** Standard error. */
  readonly error: number;
}

/** Tokens of output for each one of input, where answers clearly grow with their rows; else 0. */
export function outputSlope({ answers, inputTokens, inputSquares, outputTokens, outputSquares, products }: CallTally): number {
  const found = slopeOf(answers, { sum: inputTokens, squares: inputSquares }, { sum: outputTokens, squares: outputSquares }, products);
  return found && found.slope > CLEARLY * found.error ? found.slope : 0;
}

/** Vendor's tokens of input for each one of ours; undefined where too few were counted, or all are as long. */
export function countSlope({ calls, ours, oursSquares, theirs, theirsSquares, products }: CountTally): Slope | undefined {
  return slopeOf(calls, { sum: ours, squares: oursSquares }, { sum: theirs, squares: theirsSquares }, products);
}

interface Sums {
  readonly sum: number;
  readonly squares: number;
}

function slopeOf(of: number, x: Sums, y: Sums, products: number): Slope | undefined {
  if (of < LEAST_FOR_SLOPE) return undefined;
  const inX = moments(of, x.sum, x.squares);
  const inY = moments(of, y.sum, y.squares);
  if (inX.scatter === 0 || inY.scatter === 0) return undefined;
  const covariance = products / of - inX.mean * inY.mean;
  const slope = covariance / inX.scatter ** 2;
  const unexplained = Math.max(0, inY.scatter ** 2 - slope * covariance);
  return { slope, error: Math.sqrt(unexplained / (of - 2)) / inX.scatter };
}
