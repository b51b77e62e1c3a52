// The state of the hand-off model: what lies in Redis, what the workers are about to do, and what was done so far.

import { NEW_ROW, type Row } from "./row-rules.ts";

/** J and K: judges of what the others answer. */
export type ModelQueue = "A" | "B" | "C" | "J" | "K";
/** T: the task queue. R: the reroute queue. */
export type Queue = "T" | "R" | ModelQueue;
/** How a call may end: well; so that another model must take the job; so that none would; with an answer to be repaired; a judge: with a poor opinion. */
export type CallEnding = "good" | "unfit" | "invalid" | "mend" | "poor";
/** What a step is for, where it is not to answer the job. */
export type StepPurpose = "" | "judge" | "repair";

/** One queue job: its id (queue, hop and part; batch and row are the same for all) and its payload. */
export interface Copy {
  readonly queue: Queue;
  readonly hop: number;
  readonly part: number;
  readonly round: number;
  /** Models the job can't be given again, judges among them; in lower case those that have repaired their answer. */
  readonly excluded: string;
  /** Whose answer is held, to be judged or repaired. */
  readonly held: string;
  /** In a model queue what its step is for; elsewhere what comes before the route goes on. */
  readonly purpose: StepPurpose;
  /** In a model queue: the models of its step, by part. */
  readonly step: string;
  /** In the reroute queue: what the parts of a wide step brought. */
  readonly joined: readonly string[];
  /** The wide step that its binder has chosen and kept here. */
  readonly bound: string;
  /** Tells copies apart that were added under one id, one after the other. 0: not added yet. */
  readonly copy: number;
  readonly key: string;
}

export interface QueueJob {
  readonly copy: Copy;
  readonly active: boolean;
  readonly key: string;
}

export type Step =
  | "claim"
  | "finish"
  | { readonly add: Copy }
  /** Keeps the choice of a wide step, and adds its parts then. */
  | { readonly bind: string; readonly excluded: string }
  | { readonly record: "answered" | "error" }
  | { readonly bring: CallEnding }
  /** Drops what the parts of the step of that hop brought. */
  | { readonly forget: number };

/** A worker with a job: what it still has to do. A crash can fall between any two steps. */
export interface Run {
  /** The job as it was when this worker took it. */
  readonly copy: Copy;
  /** Whether it still has the job's lock. */
  readonly locked: boolean;
  readonly steps: readonly Step[];
  readonly key: string;
}

/** The reconciler, looking through the queues for the row. */
export interface Look {
  /** The row's open entry when this look began. */
  readonly seen: Row;
  /** 1 or 2; at two looks in a row the row must be absent. */
  readonly look: number;
  /** Queues looked at so far; "waiting": for the second look. */
  readonly queues: number | "waiting";
}

export interface State {
  /** `dead`: crashed, and not started again yet. */
  readonly producer: "start" | "note" | "add" | "cursor" | "idle" | "dead";
  /** The hop it is adding the row at. */
  readonly producerHop: number;
  readonly row: Row;
  /** The hop of the last result, as kept in the store. */
  readonly recordedBy: number;
  /** Round and status of every result recorded. */
  readonly results: readonly string[];
  readonly jobs: readonly QueueJob[];
  readonly runs: readonly Run[];
  /** Per hop of a wide step, what was brought so far, as model and ending, by part. */
  readonly slots: Readonly<Record<number, readonly (string | undefined)[]>>;
  readonly look: Look | undefined;
  /** The reconciler has given the row back to its producer: its entry then. */
  readonly missing: Row | undefined;
  /** What people or time do to the batch: not yet, now, over. */
  readonly event: 0 | 1 | 2;
  /** Model, round and purpose of every call, each once, sorted. */
  readonly called: readonly string[];
  /** Calls made again, to the same model for the same purpose in the same round. */
  readonly duplicates: number;
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
  recordedBy: 0,
  results: [],
  jobs: [],
  runs: [],
  slots: {},
  look: undefined,
  missing: undefined,
  event: 0,
  called: [],
  duplicates: 0,
  faults: 0,
  deletions: 0,
  producerCrashes: 0,
  purposes: [],
};

const BARE: Omit<Copy, "queue" | "hop" | "round" | "key"> = {
  part: 0,
  excluded: "",
  held: "",
  purpose: "",
  step: "",
  joined: [],
  bound: "",
  copy: 0,
};

export function makeCopy(given: Partial<Copy> & Pick<Copy, "queue" | "hop" | "round">): Copy {
  const { queue, hop, part, round, excluded, held, purpose, step, joined, bound, copy } = { ...BARE, ...given };
  const key = short(`${queue}${hop}.${part}.${round}${excluded}/${held}${purpose}/${step}/${joined.join()}/${bound}/${copy}`);
  return { queue, hop, part, round, excluded, held, purpose, step, joined, bound, copy, key };
}

export function makeJob(copy: Copy, active: boolean): QueueJob {
  return { copy, active, key: copy.key + (active ? "+" : "-") };
}

export function makeRun(copy: Copy, locked: boolean, steps: readonly Step[]): Run {
  return { copy, locked, steps, key: short(copy.key + (locked ? "+" : "-") + steps.map(stepKey).join("")) };
}

export function isSameId(a: Copy, b: Copy): boolean {
  return a.queue === b.queue && a.hop === b.hop && a.part === b.part;
}

/** What a queue job claims with: its place and its time of adding, in the model its number among those of its id. */
export function tokenOf({ queue, copy }: Copy): string {
  return queue + copy;
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

/** Without what nobody can read any more, so that fewer states differ: the slot of a step whose parts and binder are gone. */
export function tidied(state: State): State {
  if (!hasAny(state.slots)) return state;
  const alive = new Set([...state.jobs, ...state.runs].flatMap(({ copy }) => [copy.hop, copy.hop + 1]));
  const slots = Object.fromEntries(Object.entries(state.slots).filter(([hop]) => alive.has(Number(hop))));
  return { ...state, slots };
}

function hasAny(record: object): boolean {
  for (const _ in record) return true;
  return false;
}

/** A state whose row is done for good: all that matters is that what is left of it ends, without a second result. No fault can change that. */
export function overAndDone({ producer, producerHop, row, results, jobs, runs }: State, maxFaults: number): State {
  return { ...INITIAL, producer, producerHop, row, results, jobs, runs, event: 2, faults: maxFaults };
}

/** How people name a queue job in the trace of a violation. */
export function nameOf({ queue, hop, part }: Copy): string {
  return `${queue}:${hop}.${part}`;
}

export function isSameEntry(a: Row, b: Row): boolean {
  return rowKey(a) === rowKey(b);
}

export function stateKey(state: State): string {
  const { look, missing } = state;
  let key = `${state.producer}${state.producerHop}|${rowKey(state.row)}|`;
  if (look) key += `${rowKey(look.seen)}${look.look}${look.queues}`;
  if (missing) key += `!${rowKey(missing)}`;
  key += `|${state.called.join()},${state.duplicates},${state.faults},${state.deletions},${state.producerCrashes},${state.event},`;
  key += `${state.recordedBy}|${state.results.join()}|${sortedKeys(state.jobs)}|${sortedKeys(state.runs)}|${state.purposes.join()}|`;
  for (const hop in state.slots) key += `${hop}:${state.slots[hop]?.join()};`;
  return key;
}

function sortedKeys(items: readonly { readonly key: string }[]): string {
  const [first, second, third] = items;
  if (!first) return "";
  if (!second) return first.key;
  if (!third) return first.key < second.key ? `${first.key},${second.key}` : `${second.key},${first.key}`;
  return items
    .map((item) => item.key)
    .toSorted()
    .join();
}

const shorts = new Map<string, string>();

/** A short name for a long key, the same each time: there are few copies and runs, and very many states made of them. */
function short(key: string): string {
  let name = shorts.get(key);
  if (name === undefined) shorts.set(key, (name = shorts.size.toString(36)));
  return name;
}

function rowKey({ kind, hop, claimed, holders, round }: Row): string {
  return `${kind[0]}${hop}${claimed ? "c" : ""}${holders[0] ?? ""},${holders[1] ?? ""}/${round}`;
}

function stepKey(step: Step): string {
  if (typeof step === "string") return step === "claim" ? "c" : "f";
  if ("add" in step) return `(${step.add.key})`;
  if ("bind" in step) return `<${step.bind}-${step.excluded}>`;
  if ("forget" in step) return "-";
  return "record" in step ? `r${step.record}` : `b${step.bring}`;
}
