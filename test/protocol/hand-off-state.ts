// The state of the hand-off model: what lies in Redis, what the workers are about to do, and what was done so far.

import { NEW_ROW, type Row } from "./row-rules.ts";

export type ModelQueue = "A" | "B" | "C";
/** T: the task queue. R: the reroute queue. */
export type Queue = "T" | "R" | ModelQueue;
/** How a call may end: well; so that another model must take the job; so that none would. */
export type CallEnding = "good" | "unfit" | "invalid";

/** One queue job as it was added. Its id is hop and part (batch and row are the same for all). */
export interface Copy {
  readonly queue: Queue;
  readonly hop: number;
  readonly part: number;
  readonly round: number;
  /** Models the job can't be given again. */
  readonly excluded: string;
  /** Calls in its step. */
  readonly width: 1 | 2;
  /** Tells copies apart that were added under one id, one after the other or in two queues. */
  readonly copy: number;
  readonly key: string;
}

export interface QueueJob {
  readonly copy: Copy;
  readonly active: boolean;
  readonly key: string;
}

export type Step = "claim" | "finish" | { readonly add: Copy } | { readonly record: "answer" | "error" } | { readonly bring: CallEnding };

/** A worker with a job: what it still has to do. A crash can fall between any two steps. */
export interface Run {
  readonly copy: Copy;
  /** Whether it still has the job's lock. */
  readonly locked: boolean;
  readonly steps: readonly Step[];
  readonly key: string;
}

export interface State {
  /** `dead`: crashed, and not started again yet. */
  readonly producer: "start" | "note" | "add" | "cursor" | "idle" | "dead";
  /** The hop it is adding the row at. */
  readonly producerHop: number;
  readonly row: Row;
  /** Per part, the copy that claimed the row's hop; 0 for none. */
  readonly holders: readonly [number, number];
  /** The hop of the queue job that recorded the last result. */
  readonly recordedBy: number;
  /** Round and status of every result recorded. */
  readonly results: readonly string[];
  readonly jobs: readonly QueueJob[];
  readonly runs: readonly Run[];
  /** Per hop of a step of two calls, the outcomes brought so far ("" for none). */
  readonly parts: Readonly<Record<number, readonly string[]>>;
  /** The row as the reconciler saw it on its first look. */
  readonly seen: Row | undefined;
  readonly calls: number;
  readonly faults: number;
  readonly deletions: number;
  readonly producerCrashes: number;
  /** Per hop, what its id was used for: stage and round. */
  readonly purposes: readonly string[];
}

export const INITIAL: State = {
  producer: "start",
  producerHop: 0,
  row: NEW_ROW,
  holders: [0, 0],
  recordedBy: 0,
  results: [],
  jobs: [],
  runs: [],
  parts: {},
  seen: undefined,
  calls: 0,
  faults: 0,
  deletions: 0,
  producerCrashes: 0,
  purposes: [],
};

export function makeCopy(copy: Omit<Copy, "key">): Copy {
  const { queue, hop, part, round, excluded, width, copy: number } = copy;
  return { ...copy, key: `${queue}${hop}.${part}.${round}${excluded}${width}${number}` };
}

export function makeJob(copy: Copy, active: boolean): QueueJob {
  return { copy, active, key: copy.key + (active ? "+" : "-") };
}

export function makeRun(copy: Copy, locked: boolean, steps: readonly Step[]): Run {
  return { copy, locked, steps, key: copy.key + (locked ? "+" : "-") + steps.map(stepKey).join("") };
}

export function isSameId(a: Copy, b: Copy): boolean {
  return a.queue === b.queue && a.hop === b.hop && a.part === b.part;
}

/** Replaces a run; one that can change nothing any more is over. */
export function withRun(state: State, run: Run, changed: Run | undefined): State {
  const runs = state.runs.filter((other) => other !== run);
  const isOver =
    changed === undefined || (!changed.locked && changed.steps.every((step) => step === "finish")) || changed.steps.length === 0;
  return { ...state, runs: isOver ? runs : [...runs, changed] };
}

/** The job of a run that has its lock goes back to waiting. */
export function backToWaiting(jobs: readonly QueueJob[], run: Run): readonly QueueJob[] {
  return run.locked ? jobs.map((job) => (isSameId(job.copy, run.copy) ? makeJob(job.copy, false) : job)) : jobs;
}

/** How people name a queue job in the trace of a violation. */
export function nameOf({ queue, hop, part }: Copy): string {
  return `${queue}:${hop}.${part}`;
}

export function stateKey(state: State): string {
  let key = `${state.producer}${state.producerHop}|${rowKey(state.row)}${state.holders[0]}${state.holders[1]}|`;
  if (state.seen) key += rowKey(state.seen);
  key += `|${state.calls},${state.faults},${state.deletions},${state.producerCrashes},${state.recordedBy}|${state.results.join()}|`;
  key += `${sortedKeys(state.jobs)}|${sortedKeys(state.runs)}|${state.purposes.join()}|`;
  for (const hop in state.parts) key += `${hop}:${state.parts[hop]?.join()};`;
  return key;
}

function sortedKeys(items: readonly { readonly key: string }[]): string {
  const [first, second] = items;
  if (!first) return "";
  if (!second) return first.key;
  return items
    .map((item) => item.key)
    .toSorted()
    .join();
}

function rowKey(row: Row): string {
  return `${row.kind[0]}${row.hop}${row.claimed ? "c" : ""}${row.round}`;
}

function stepKey(step: Step): string {
  if (typeof step === "string") return step === "claim" ? "c" : "f";
  if ("add" in step) return `(${step.add.key})`;
  return "record" in step ? `r${step.record}` : `b${step.bring}`;
}
