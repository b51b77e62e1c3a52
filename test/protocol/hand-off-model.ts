// The hand-off protocol as a model: one row, its producer, the queues, the workers, the reconciler and retry, with a fault possible between any two steps.
//
//   producer ─▶ T (task queue) ─router─▶ A, B, C (model queues) ─pool─▶ R (reroute queue) ─reroute─▶ a model queue … or the result
//
// A queue is BullMQ's: an id present in it is silently dropped when added again, and runs again once it was removed; a job whose worker died or lost its lock
// goes back to waiting; finishing without the lock does nothing. Taking a job, claiming it and deciding is one move: in between, a worker has changed nothing.

import type { Model, Move } from "./explore.ts";
import {
  backToWaiting,
  INITIAL,
  isSameId,
  makeCopy,
  makeJob,
  makeRun,
  nameOf,
  stateKey,
  withRun,
  type CallEnding,
  type Copy,
  type ModelQueue,
  type Run,
  type State,
  type Step,
} from "./hand-off-state.ts";
import * as rules from "./row-rules.ts";

/** What the protocol does; each mutant changes one of these. */
export interface Protocol {
  /** A processor that isn't told `go` makes no call and adds nothing. */
  readonly obeysClaim: boolean;
  readonly claim: typeof rules.claim;
  readonly record: typeof rules.record;
  /** An error from a hop that was superseded is refused: a later hop is at work and may answer; and the hop of the error is then the row's last one. */
  readonly refusesStaleErrors: boolean;
  readonly order: "act-then-finish" | "finish-then-add" | "finish-then-record";
  /** A hop is one copy's: another copy of the same id, in this queue or in another, is superseded although the hop is equal. */
  readonly oneCopyPerHop: boolean;
  /** The hop of a row that is added again after it vanished. */
  readonly readdHop: (lastHop: number) => number;
  /** The hop of a retried row: all that is kept of a row that is done is the hop of the queue job that recorded its error. */
  readonly retryHop: (recordedBy: number) => number;
  /** The reconciler looks for the row's hop first and for the one after it then, and gives up when the row was claimed meanwhile. */
  readonly reconciler: "careful" | "next-hop-first" | "no-second-look";
  /** The script that takes a part's outcome says "all are there" to everyone who asks, not only to the first. */
  readonly joinRepeats: boolean;
  /** Who bound a step of several calls may add the rest of it although some were claimed. */
  readonly wideStepsComplete: boolean;
}

/** As the scripts and the workers have it. */
export const AS_BUILT: Protocol = {
  obeysClaim: true,
  claim: rules.claim,
  record: rules.record,
  refusesStaleErrors: true,
  order: "act-then-finish",
  oneCopyPerHop: true,
  readdHop: (lastHop) => lastHop + rules.HOP_GAP,
  retryHop: (recordedBy) => recordedBy + rules.HOP_GAP,
  reconciler: "careful",
  joinRepeats: true,
  wideStepsComplete: true,
};

export type Fault = "crash" | "lost lock" | "late claim" | "lost reply" | "producer crash" | "deleted";

export interface Scenario {
  /** The route, and how a call to each of its models may end. */
  readonly models: Readonly<Partial<Record<ModelQueue, readonly CallEnding[]>>>;
  /** Calls in the first step: 1 (one model, the others are fallbacks) or 2 (A and B must both end well; C is the fallback). */
  readonly width: 1 | 2;
  readonly maxFaults: number;
  readonly faults: readonly Fault[];
  /** 2: a row that ended in an error is retried once. */
  readonly rounds: 1 | 2;
}

/** A row's life has far fewer hops: passing this means that it goes round in circles. */
const HOP_CEILING = 30;

/** `maxCalls`: what a row costs without faults. Each fault may add one call, a deletion a whole route. */
export function handOffModel(protocol: Protocol, scenario: Scenario, maxCalls = Number.POSITIVE_INFINITY): Model<State> {
  const reconciles = scenario.faults.includes("deleted");
  return {
    initial: INITIAL,
    key: stateKey,
    isOrdinary: (action) => !action.startsWith("!"),
    moves: (state) => [
      ...producerMoves(state, scenario),
      ...workerMoves(state, protocol, scenario),
      ...(reconciles ? reconcilerMoves(state, protocol) : []),
      ...retryMoves(state, protocol, scenario),
      ...(state.faults < scenario.maxFaults ? faultMoves(state, protocol, scenario) : []),
    ],
    violation: (state, isAtRest) => {
      const allowed = maxCalls + (state.faults - state.deletions) + state.deletions * maxCalls;
      if (state.calls > allowed) return `too many calls: ${state.calls} with ${state.faults} faults, where ${maxCalls} were meant`;
      if (new Set(state.results.map((result) => result[0])).size < state.results.length) return "two results in one round";
      if (state.row.hop > HOP_CEILING) return "the row goes round in circles";
      if (isStranded(state)) return "the row is in no queue although nothing was deleted";
      if (!isAtRest) return undefined;
      if (state.jobs.length > 0 || state.runs.length > 0) return "a queue job is left over";
      if (state.row.kind !== "done") return "the row is lost: nothing is left to do, and it has no result";
      if (state.results.length !== state.row.round + 1) return "a round has no result";
      return undefined;
    },
  };
}

function isStranded({ row, jobs, producer, deletions }: State): boolean {
  return row.kind === "open" && jobs.length === 0 && deletions === 0 && (producer === "idle" || producer === "cursor");
}

// The producer: note, add, move the cursor. Started again, it does what the row's state asks for.

function producerMoves(state: State, { faults }: Scenario): Move<State>[] {
  const { row } = state;
  // The cursor matters only to a producer that may be started again.
  const added = faults.includes("producer crash") ? "cursor" : "idle";
  switch (state.producer) {
    case "dead":
      return [{ action: "producer starts again", next: { ...state, producer: "start", seen: undefined } }];
    case "start": {
      const goOn = row.kind === "new" ? "note" : row.kind === "open" && !row.claimed ? "add" : "cursor";
      return [{ action: `producer: ${goOn} next`, next: { ...state, producer: goOn, producerHop: row.hop, seen: undefined } }];
    }
    case "note":
      return [{ action: "producer notes the row", next: { ...state, row: rules.note(row), producer: "add" } }];
    case "add": {
      const copy = { queue: "T", hop: state.producerHop, part: 0, round: row.round, excluded: "", width: 1 } as const;
      return [add({ ...state, producer: added }, makeCopy({ ...copy, copy: 0 }), "producer adds the row")];
    }
    case "cursor":
      return [{ action: "producer moves the cursor", next: { ...state, producer: "idle" } }];
    case "idle":
      return [];
  }
}

// Workers: each takes a job, claims it, decides, and does its steps.

function workerMoves(state: State, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const moves: Move<State>[] = [];
  for (const job of state.jobs) {
    if (job.active) continue;
    const jobs = state.jobs.map((other) => (other === job ? makeJob(job.copy, true) : other));
    const run = makeRun(job.copy, true, []);
    moves.push(...take({ ...state, jobs, runs: [...state.runs, run] }, run, protocol, scenario));
  }
  for (const run of state.runs) {
    const [step, ...later] = run.steps;
    if (step === "claim") moves.push(...take(state, run, protocol, scenario));
    else if (step !== undefined) {
      const goneOn = makeRun(run.copy, run.locked, later);
      moves.push(apply({ ...state, runs: state.runs.map((other) => (other === run ? goneOn : other)) }, goneOn, step, protocol, scenario));
    }
  }
  return moves;
}

/** Claims, and when told to go, decides: one move per decision. */
function take(state: State, run: Run, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const { copy } = run;
  const { reply, row, holders } = claimFor(state, copy, protocol, scenario);
  const action = `${nameOf(copy)} is taken: ${reply}`;
  if (reply !== "go" && protocol.obeysClaim) {
    return [{ action, next: withRun(finish(state, run), run, undefined) }];
  }
  return decisions(state, copy, scenario).map(({ action: what, steps, calls = 0 }) => ({
    action: `${action}, ${what}`,
    next: { ...withRun(state, run, makeRun(copy, run.locked, inOrder(steps, protocol))), row, holders, calls: state.calls + calls },
  }));
}

function claimFor(
  state: State,
  copy: Copy,
  protocol: Protocol,
  scenario: Scenario,
): Pick<State, "row" | "holders"> & { reply: rules.ClaimReply } {
  const { row: before, holders } = state;
  const { reply, row } = protocol.claim(before, copy.hop);
  if (reply === "superseded" && protocol.wideStepsComplete && copy.queue === "T" && scenario.width === 2) {
    if (before.claimed && before.hop === copy.hop + 1) return { reply: "go", row: before, holders };
  }
  if (reply !== "go" || !protocol.oneCopyPerHop) return { reply, row, holders };
  const present = before.kind === "open" && before.claimed && before.hop === copy.hop ? holders : ([0, 0] as const);
  const holder = present[copy.part] ?? 0;
  if (holder !== 0 && holder !== copy.copy) return { reply: "superseded", row: before, holders };
  return { reply, row, holders: copy.part === 0 ? [copy.copy, present[1]] : [present[0], copy.copy] };
}

interface Decision {
  readonly action: string;
  readonly steps: readonly Step[];
  readonly calls?: number;
}

/** What a processor may decide: the router and the reroute worker bind (to any able model, for breakers and loads change), the pool calls. */
function decisions(state: State, copy: Copy, scenario: Scenario): readonly Decision[] {
  const onwards = { hop: copy.hop + 1, round: copy.round, part: 0, width: 1, copy: 0 } as const;
  const bind = (excluded: string): readonly Decision[] => {
    const able = (Object.keys(scenario.models) as ModelQueue[]).filter((model) => !excluded.includes(model));
    if (able.length === 0) return [{ action: "no able model", steps: [{ record: "error" }, "finish"] }];
    return able.map((queue) => ({ action: `binds to ${queue}`, steps: [{ add: makeCopy({ ...onwards, queue, excluded }) }, "finish"] }));
  };

  switch (copy.queue) {
    case "T":
      if (scenario.width === 1) return bind(copy.excluded);
      return (["AB", "BA"] as const).map((pair) => ({
        action: `binds to ${pair}`,
        steps: [
          ...Array.from(pair as string, (queue, part) => ({
            add: makeCopy({ ...onwards, queue: queue as ModelQueue, part, width: 2, excluded: "" }),
          })),
          "finish",
        ],
      }));
    case "R": {
      const joined = state.parts[copy.hop - 1];
      if (copy.width === 1 || joined === undefined) return bind(copy.excluded);
      const isAgreed = joined.every((ending) => ending === "good");
      return isAgreed ? [{ action: "the parts agree", steps: [{ record: "answer" }, "finish"] }] : bind("AB");
    }
    default:
      return (scenario.models[copy.queue] ?? []).map((ending) => ({ action: `calls: ${ending}`, calls: 1, steps: settling(copy, ending) }));
  }
}

/** A step of one call settles in the pool; a part of a wider one is brought to the others. */
function settling(copy: Copy, ending: CallEnding): readonly Step[] {
  if (copy.width === 2) return [{ bring: ending }, "finish"];
  if (ending === "good") return [{ record: "answer" }, "finish"];
  if (ending === "invalid") return [{ record: "error" }, "finish"];
  const excluded = [...new Set(copy.excluded + copy.queue)].toSorted().join("");
  return [{ add: makeCopy({ queue: "R", hop: copy.hop + 1, part: 0, round: copy.round, excluded, width: 1, copy: 0 }) }, "finish"];
}

function inOrder(steps: readonly Step[], { order }: Protocol): readonly Step[] {
  const late = order === "finish-then-add" ? "add" : "record";
  const isWrong = order !== "act-then-finish" && steps.some((step) => typeof step === "object" && late in step);
  return isWrong ? ["finish", ...steps.filter((step) => step !== "finish")] : steps;
}

/** One step's effect on what is shared; the run has gone on already. */
function apply(state: State, run: Run, step: Exclude<Step, "claim">, protocol: Protocol, scenario: Scenario): Move<State> {
  const who = nameOf(run.copy);
  if (step === "finish") return { action: `${who} finishes`, next: withRun(finish(state, run), run, unlocked(run)) };
  if ("add" in step) {
    const move = add(state, step.add, `${who} adds to ${step.add.queue}`);
    return { ...move, next: withRun(move.next, run, run) };
  }
  if ("bring" in step) return bring(state, run, step.bring, protocol);
  const { recorded, row } = protocol.record(state.row, run.copy.round);
  const action = `${who} records ${step.record}`;
  const isStale = protocol.refusesStaleErrors && step.record === "error" && state.row.kind === "open" && run.copy.hop < state.row.hop;
  if (!recorded || isStale) return { action: `${action}: refused`, next: withRun(state, run, run) };
  const results = [...state.results, `${run.copy.round} ${step.record}`];
  const recordedBy = scenario.rounds > 1 ? run.copy.hop : 0;
  return { action, next: { ...withRun(state, run, run), row, recordedBy, results, parts: {}, holders: [0, 0] } };
}

function bring(state: State, run: Run, ending: CallEnding, protocol: Protocol): Move<State> {
  const { copy } = run;
  const action = `${nameOf(copy)} brings ${ending}`;
  if (state.row.kind === "done") return { action, next: withRun(state, run, run) };
  const before = state.parts[copy.hop] ?? ["", ""];
  const outcomes = before.map((outcome, part) => (part === copy.part && outcome === "" ? ending : outcome));
  const next = { ...state, parts: { ...state.parts, [copy.hop]: outcomes } };
  const isLast = outcomes.every((outcome) => outcome !== "") && (protocol.joinRepeats || before.includes(""));
  if (!isLast) return { action, next: withRun(next, run, run) };
  const onwards: Step = { add: makeCopy({ queue: "R", hop: copy.hop + 1, part: 0, round: copy.round, excluded: "", width: 2, copy: 0 }) };
  return { action: `${action}, the last`, next: withRun(next, run, makeRun(copy, run.locked, inOrder([onwards, ...run.steps], protocol))) };
}

/** BullMQ's add: an id that is present is silently dropped. */
function add(state: State, wanted: Copy, action: string): Move<State> {
  const purpose = `${"TR".includes(wanted.queue) ? wanted.queue : "M"}${wanted.round}`;
  const usedFor = state.purposes[wanted.hop];
  if (usedFor && usedFor !== purpose) {
    return { action, next: state, violation: `the id of hop ${wanted.hop} serves two purposes: ${usedFor} and ${purpose}` };
  }
  if (state.jobs.some((job) => isSameId(job.copy, wanted))) return { action: `${action}: dropped`, next: state };
  const purposes = Array.from({ length: Math.max(state.purposes.length, wanted.hop + 1) }, (_, hop) =>
    hop === wanted.hop ? purpose : (state.purposes[hop] ?? ""),
  );
  return {
    action,
    next: { ...state, purposes, jobs: [...state.jobs, makeJob(makeCopy({ ...wanted, copy: freshCopy(state, wanted) }), false)] },
  };
}

/** The smallest number that no living copy of the id has. */
function freshCopy({ jobs, runs, row, holders }: State, { hop, part }: Copy): number {
  const used = new Set([...jobs, ...runs].filter(({ copy }) => copy.hop === hop && copy.part === part).map(({ copy }) => copy.copy));
  if (row.hop === hop) used.add(holders[part] ?? 0);
  let number = 1;
  while (used.has(number)) number++;
  return number;
}

/** BullMQ's completion: removes the job if this worker still has its lock. */
function finish(state: State, run: Run): State {
  return run.locked ? { ...state, jobs: state.jobs.filter((job) => !isSameId(job.copy, run.copy)) } : state;
}

function unlocked(run: Run): Run {
  return run.locked ? makeRun(run.copy, false, run.steps) : run;
}

// The reconciler, and retry.

function reconcilerMoves(state: State, protocol: Protocol): Move<State>[] {
  const { row, seen, producer } = state;
  if (row.kind !== "open" || (producer !== "idle" && producer !== "dead")) return [];
  const isAt = (hops: readonly number[]) => state.jobs.some(({ copy }) => hops.includes(copy.hop));
  // The hop before counts too: who binds a step of several calls may still be adding while the first of them is claimed.
  const here = [row.hop - 1, row.hop];
  const [first, second] = protocol.reconciler === "next-hop-first" ? [[row.hop + 1], here] : [here, [row.hop + 1]];
  if (seen === undefined) return isAt(first) ? [] : [{ action: "reconciler misses the row", next: { ...state, seen: row } }];
  const hasChanged = seen.hop !== row.hop || seen.claimed !== row.claimed || seen.round !== row.round;
  if (protocol.reconciler !== "no-second-look" && (hasChanged || isAt(second))) {
    return [{ action: "reconciler finds the row alive", next: { ...state, seen: undefined } }];
  }
  const isWrong = state.deletions === 0 && (row.claimed || state.producerCrashes === 0);
  const violation = isWrong ? { violation: "a row is taken for lost although nothing was deleted" } : {};
  const results = [...state.results, `${row.round} error`];
  const lost: State = { ...state, row: protocol.record(row, row.round).row, recordedBy: row.hop, results, parts: {}, seen: undefined };
  const moves: Move<State>[] = [{ action: "reconciler ends the row as lost", next: lost, ...violation }];
  if (producer === "dead") return moves;
  const again = { ...row, hop: protocol.readdHop(row.hop), claimed: false };
  const back: State = { ...state, row: again, seen: undefined, producer: "add", producerHop: again.hop };
  return [...moves, { action: `reconciler gives the row back to its producer at hop ${again.hop}`, next: back, ...violation }];
}

function retryMoves(state: State, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const { row, results, producer, recordedBy } = state;
  if (row.kind !== "done" || producer !== "idle" || row.round + 1 >= scenario.rounds || !results.at(-1)?.endsWith("error")) return [];
  const again = rules.retry(row, protocol.retryHop(recordedBy));
  return [
    { action: `!retry at hop ${again.hop}`, next: { ...state, row: again, producer: "add", producerHop: again.hop, seen: undefined } },
  ];
}

// Faults.

function faultMoves(state: State, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const { faults } = scenario;
  const hit: State = { ...state, faults: state.faults + 1 };
  const may = (fault: Fault) => faults.includes(fault);
  const moves: Move<State>[] = [];

  for (const run of state.runs) {
    const jobs = backToWaiting(state.jobs, run);
    // Without its lock, and its job still in the queue, a worker's end only saves work.
    if (may("crash") && (run.locked || state.deletions > 0)) {
      moves.push({ action: `!${nameOf(run.copy)}: its worker crashes`, next: { ...withRun(hit, run, undefined), jobs } });
    }
    if (may("lost lock") && run.locked) {
      moves.push({ action: `!${nameOf(run.copy)}: its lock is lost`, next: { ...withRun(hit, run, unlocked(run)), jobs } });
    }
    const [step] = run.steps;
    if (may("lost reply") && typeof step === "object") {
      // Done by Redis, but the answer was lost: the worker does the step again.
      const { action, next, violation } = apply(hit, run, step, protocol, scenario);
      moves.push({ action: `!${action}, reply lost`, next: { ...next, runs: hit.runs }, ...(violation ? { violation } : {}) });
    }
  }
  for (const job of state.jobs) {
    if (may("late claim") && !job.active) {
      const run = makeRun(job.copy, false, ["claim"]);
      moves.push({ action: `!${nameOf(job.copy)}: its lock is lost before the claim`, next: { ...hit, runs: [...state.runs, run] } });
    }
    if (may("deleted")) {
      const runs = state.runs.map((run) => (isSameId(run.copy, job.copy) ? unlocked(run) : run));
      const jobs = state.jobs.filter((other) => other !== job);
      moves.push({ action: `!${nameOf(job.copy)} is deleted by hand`, next: { ...hit, jobs, runs, deletions: state.deletions + 1 } });
    }
  }
  if (may("producer crash") && !["start", "idle", "dead"].includes(state.producer)) {
    moves.push({ action: "!producer crashes", next: { ...hit, producer: "dead", producerCrashes: state.producerCrashes + 1 } });
  }
  return moves;
}
