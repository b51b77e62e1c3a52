// The hand-off protocol as a model: one row, its producer, the queues, the workers, the reconciler and retry, with a fault possible between any two steps.
//
//   producer ─▶ T (task queue) ─router─▶ A, B, C (model queues) ─pool─▶ R (reroute queue) ─reroute─▶ a model queue … or the result
//
// With judges an answer is no result yet: it is held, and goes through R to the queue of a judge (J, K), whose word ends the row or sends it on. An answer to be repaired
// is held in the same way, and goes back to its own model once.
//
// A queue is BullMQ's: an id present in it is silently dropped when added again, and runs again once it was removed; a job whose worker died or lost its lock
// goes back to waiting; finishing without the lock does nothing, changing a job's data needs no lock. Taking a job, claiming it and deciding is one move: in
// between, a worker has changed nothing.

import type { Model, Move } from "./explore.ts";
import {
  backToWaiting,
  INITIAL,
  isSameEntry,
  isSameId,
  makeCopy,
  makeJob,
  makeRun,
  nameOf,
  overAndDone,
  stateKey,
  tidied,
  tokenOf,
  withRun,
  type CallEnding,
  type Copy,
  type Look,
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
  readonly order: "act-then-finish" | "finish-then-add" | "finish-then-record";
  /**
   * Who adds the parts of a wide step: its binder, which keeps its choice in its own queue job before (so that a rerun adds the same parts, even when it is
   * overtaken by one of them), or which doesn't; or the first part, the only one that the binder adds, before it calls.
   */
  readonly widens: "binder that keeps its choice" | "binder" | "first part";
  /** A pool looks into the slot before it calls for a part of a wide step. */
  readonly looksBeforeCalling: boolean;
  /** The script that takes a part's outcome says "all are there" to everyone who asks, not only to the first. */
  readonly joinRepeats: boolean;
  /** Where a part of a wide step waits while its batch is paused: in its own queue, or the row in the task queue. */
  readonly pausedPart: "stays" | "back to the task";
  /** A row that is taken out of a model queue, or waits for a model, takes with it what it holds and what comes next. */
  readonly keepsHeld: boolean;
  /** What becomes of an answer that no judge is left for. */
  readonly unjudged: "excludes its model" | "is the result";
  /** A judge that gave no verdict is asked no more; a model repairs once. */
  readonly remembersFailures: boolean;
  /** The hop of a row that is added again after it vanished. */
  readonly readdHop: (lastHop: number) => number;
  /** The hop of a retried row, from that of its error result. */
  readonly retryHop: (recordedBy: number) => number;
  /** The hops at which the reconciler looks for a claimed row's job. */
  readonly lookedAt: (hop: number) => readonly number[];
  /** How often a row must be absent, with its entry unchanged. */
  readonly looks: 1 | 2;
  /** Who takes a row for lost compares its entry with the one that was seen, in the script that acts. */
  readonly comparesEntry: boolean;
}

/** As the scripts and the workers have it. */
export const AS_BUILT: Protocol = {
  obeysClaim: true,
  claim: rules.claim,
  record: rules.record,
  order: "act-then-finish",
  widens: "first part",
  looksBeforeCalling: true,
  joinRepeats: true,
  pausedPart: "stays",
  keepsHeld: true,
  unjudged: "excludes its model",
  remembersFailures: true,
  readdHop: (lastHop) => lastHop + rules.HOP_GAP,
  retryHop: (recordedBy) => recordedBy + rules.HOP_GAP,
  lookedAt: (hop) => [hop, hop + 1],
  looks: 2,
  comparesEntry: true,
};

export type Fault = "crash" | "lost lock" | "late claim" | "lost reply" | "producer crash" | "deleted";

export interface Scenario {
  /** How a call to each model may end. */
  readonly models: Readonly<Partial<Record<ModelQueue, readonly CallEnding[]>>>;
  /** The steps of the route, each by its models. Any able one may be bound: breakers and loads change. */
  readonly route: readonly string[];
  /** Who judges every answer before it counts. */
  readonly judges?: string;
  /** A job that no model takes now goes back from the reroute queue to the task queue. */
  readonly mayWait?: boolean;
  /** What may happen to the batch, once. */
  readonly event?: "paused" | "cancelled" | "past its deadline";
  /** The reconciler looks, through the queues in this order. */
  readonly lookOrder?: string;
  readonly maxFaults: number;
  readonly faults: readonly Fault[];
  /** 2: a row that ended in an error is retried once. */
  readonly rounds: 1 | 2;
}

/** A row's life has far fewer hops: passing this means that it goes round in circles. */
const HOP_CEILING = 30;

export function handOffModel(protocol: Protocol, scenario: Scenario): Model<State> {
  const callsOfARound = mostCalls(scenario);
  return {
    initial: INITIAL,
    key: stateKey,
    isOrdinary: (action) => !action.startsWith("!"),
    moves: (state) => {
      const moves = [
        ...producerMoves(state, protocol, scenario),
        ...workerMoves(state, protocol, scenario),
        ...reconcilerMoves(state, protocol, scenario),
        ...retryMoves(state, protocol, scenario),
        ...eventMoves(state, scenario),
        ...(state.faults < scenario.maxFaults ? faultMoves(state, protocol, scenario) : []),
      ];
      const isOver = ({ row }: State) => row.kind === "done" && row.round + 1 >= scenario.rounds;
      return moves.map((move) => ({ ...move, next: isOver(move.next) ? overAndDone(move.next, scenario.maxFaults) : tidied(move.next) }));
    },
    violation: (state, isAtRest) => {
      // A fault cuts off one call at most; after a deletion all may be called again.
      const allowed = state.faults - state.deletions + state.deletions * callsOfARound;
      if (state.duplicates > allowed) return `too many calls: ${state.duplicates} of them made twice, with ${state.faults} faults`;
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

/** Each model of the route once, its repair, and each judge of both together. */
function mostCalls({ route, models, judges = "" }: Scenario): number {
  const own = Array.from(new Set(route.join("")), (model) => (models[model as ModelQueue]?.includes("mend") ? 2 : 1));
  return own.reduce((sum: number, each) => sum + each, 0) + own.length * judges.length;
}

function isStranded({ row, jobs, producer, deletions, missing }: State): boolean {
  const isAtRest = producer === "idle" || producer === "cursor";
  return row.kind === "open" && jobs.length === 0 && deletions === 0 && isAtRest && missing === undefined;
}

// The producer: note, add, move the cursor. Started again, it does what the row's state asks for.

function producerMoves(state: State, protocol: Protocol, { faults }: Scenario): Move<State>[] {
  const { row, missing } = state;
  // The cursor matters only to a producer that may be started again.
  const added = faults.includes("producer crash") ? "cursor" : "idle";
  switch (state.producer) {
    case "dead":
      return [{ action: "producer starts again", next: { ...state, producer: "start", look: undefined } }];
    case "start": {
      const goOn = row.kind === "new" ? "note" : row.kind === "open" && !row.claimed ? "add" : "cursor";
      return [{ action: `producer: ${goOn} next`, next: { ...state, producer: goOn, producerHop: row.hop, look: undefined } }];
    }
    case "note":
      return [{ action: "producer notes the row", next: { ...state, row: rules.note(row), producer: "add" } }];
    case "add": {
      const copy = makeCopy({ queue: "T", hop: state.producerHop, round: row.round });
      return [add({ ...state, producer: added }, copy, "producer adds the row")];
    }
    case "cursor":
      return [{ action: "producer moves the cursor", next: { ...state, producer: "idle" } }];
    case "idle": {
      if (missing === undefined) return [];
      const taken: State = { ...state, missing: undefined, look: undefined };
      if (row.kind !== "open" || (protocol.comparesEntry && !isSameEntry(row, missing))) {
        return [{ action: "producer finds the row alive", next: taken }];
      }
      const again = { ...rules.readd(row), hop: protocol.readdHop(row.hop) };
      return [
        {
          action: `producer takes the row back at hop ${again.hop}`,
          next: { ...taken, row: again, producer: "add", producerHop: again.hop },
          ...takenForLost(state),
        },
      ];
    }
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
  const { hop, part } = copy;
  const { reply, row } = protocol.claim(state.row, { hop, part, token: tokenOf(copy) }, moodOf(state, scenario));
  const action = `${nameOf(copy)} is taken: ${reply}`;
  const claimed: State = { ...state, row };
  const act = ({ action: what, steps, calls = false }: Decision): Move<State> => ({
    action: `${action}, ${what}`,
    next: withRun(calls ? withCall(claimed, copy) : claimed, run, makeRun(copy, run.locked, inOrder(steps, protocol))),
    ...(calls ? callWithoutNeed(state, copy) : {}),
  });

  if (reply === "paused") {
    // A job that stays is delayed: nothing has changed but the claim.
    const stays = "TR".includes(copy.queue) || (isWide(copy.step) && protocol.pausedPart === "stays");
    if (stays) return [{ action, next: { ...withRun(claimed, run, undefined), jobs: backToWaiting(state.jobs, run) } }];
    const task = backInTask(copy, protocol);
    return [act({ action: "goes back to its task", steps: [{ add: task }, "finish"] })];
  }
  if (reply === "cancelled") return [act(ERROR)];
  const mayGoOn = reply === "go" || (reply === "overtaken" && copy.bound !== "");
  if (!mayGoOn && protocol.obeysClaim) return [{ action, next: withRun(finish(state, run), run, undefined) }];
  if (scenario.event === "past its deadline" && state.event === 1) return [act(ERROR)];
  if (copy.bound !== "")
    return [act({ action: `goes on with ${copy.bound}`, steps: [{ bind: copy.bound, excluded: copy.excluded }, "finish"] })];
  return decisions(claimed, copy, protocol, scenario).map(act);
}

function moodOf({ event }: State, scenario: Scenario): rules.Mood {
  if (event !== 1 || scenario.event === "past its deadline") return "running";
  return scenario.event === "cancelled" ? "cancelling" : "paused";
}

interface Decision {
  readonly action: string;
  readonly steps: readonly Step[];
  readonly calls?: boolean;
}

const ERROR: Decision = { action: "ends in an error", steps: [{ record: "error" }, "finish"] };

/** The row in its task queue, with what it has met so far. */
function backInTask({ hop, round, excluded, held, purpose }: Copy, { keepsHeld }: Protocol): Copy {
  return makeCopy({ queue: "T", hop: hop + 1, round, excluded, ...(keepsHeld ? { held, purpose } : {}) });
}

/** What a processor may decide: the router and the reroute worker bind, the pool calls. */
function decisions(state: State, copy: Copy, protocol: Protocol, scenario: Scenario): readonly Decision[] {
  const { looksBeforeCalling, widens, unjudged } = protocol;
  const { queue, round, hop, step, joined } = copy;
  const { judges = "" } = scenario;
  /** What comes before the route goes first: the judgement or the repair of what is held. */
  const bindNext = (
    { excluded, held, purpose }: Pick<Copy, "excluded" | "held" | "purpose">,
    last: readonly Step[] = ["finish"],
  ): readonly Decision[] => {
    const without = () => bind(union(excluded, held), last);
    if (purpose === "") return bind(excluded, last);
    const able = purpose === "repair" ? [held] : Array.from(judges).filter((judge) => !excluded.includes(judge));
    if (able.length === 0) {
      if (unjudged === "excludes its model") return without();
      return [{ action: "takes the answer unjudged", steps: [{ record: "answered" }, ...last] }];
    }
    const bound = able.map((model): Decision => {
      const call = makeCopy({ queue: model as ModelQueue, hop: hop + 1, round, excluded, held, purpose, step: model });
      return { action: `binds to ${model} to ${purpose}`, steps: [{ add: call }, ...last] };
    });
    if (!scenario.mayWait) return bound;
    // A judgement is waited for; a repair isn't worth it.
    if (purpose === "repair") return [...bound, ...without()];
    if (queue !== "R") return bound;
    const waiting: Step = { add: backInTask({ ...copy, excluded, held, purpose }, protocol) };
    return [...bound, { action: "waits for a judge", steps: [waiting, ...last] }];
  };
  const bind = (excluded: string, last: readonly Step[] = ["finish"]): readonly Decision[] => {
    const able = scenario.route.filter((each) => !Array.from(each).some((model) => excluded.includes(model)));
    if (able.length === 0) return [{ action: "no able model", steps: [{ record: "error" }, ...last] }];
    const bound = able.map((each): Decision => {
      const isKept = isWide(each) && widens !== "first part";
      const choice: Step = isKept ? { bind: each, excluded } : { add: partOf(each, 0, { hop: hop + 1, round, excluded }) };
      return { action: `binds to ${each}`, steps: [choice, ...last] };
    });
    if (queue !== "R" || !scenario.mayWait) return bound;
    const waiting: Step = { add: makeCopy({ queue: "T", hop: hop + 1, round, excluded }) };
    return [...bound, { action: "waits in its task queue", steps: [waiting, ...last] }];
  };

  if (queue === "T") return bindNext(copy);
  if (queue === "R") {
    if (joined.length === 0) return bindNext(copy);
    const last: readonly Step[] = [{ forget: hop - 1 }, "finish"];
    if (joined.some((each) => each.endsWith("invalid"))) return [{ action: "a part is invalid", steps: [{ record: "error" }, ...last] }];
    if (joined.every((each) => each.endsWith("good"))) {
      if (judges !== "") return bindNext({ excluded: copy.excluded, held: joined[0]?.[0] ?? "", purpose: "judge" }, last);
      return [{ action: "the parts agree", steps: [{ record: "answered" }, ...last] }];
    }
    return bind(union(copy.excluded, ...joined.map((each) => each[0] ?? "")), last);
  }
  const others: readonly Step[] =
    widens === "first part" && copy.part === 0 ? Array.from(step.slice(1), (_, i) => ({ add: partOf(step, i + 1, copy) })) : [];
  const brought = state.slots[hop];
  if (looksBeforeCalling && brought?.[copy.part] !== undefined) {
    return [{ action: "was brought before", steps: [...others, ...(isWhole(brought) ? [joining(copy, brought)] : []), "finish"] }];
  }
  return (scenario.models[queue] ?? []).map((ending) => ({
    action: `calls: ${ending}`,
    calls: true,
    steps: isWide(step) ? [...others, { bring: ending }, "finish"] : settling(copy, ending, protocol, scenario),
  }));
}

function partOf(step: string, part: number, { hop, round, excluded }: Pick<Copy, "hop" | "round" | "excluded">): Copy {
  return makeCopy({ queue: step[part] as ModelQueue, hop, part, round, excluded, step });
}

/** A step of one call settles in the pool. */
function settling(copy: Copy, ending: CallEnding, { remembersFailures }: Protocol, { judges = "" }: Scenario): readonly Step[] {
  const { queue, hop, round, excluded, held, purpose } = copy;
  const goOn = (met: Partial<Copy>): readonly Step[] => [{ add: makeCopy({ queue: "R", hop: hop + 1, round, ...met }) }, "finish"];
  const isJudge = purpose === "judge";
  const own = queue.toLowerCase();
  switch (ending) {
    case "good":
      if (isJudge || judges === "") return [{ record: "answered" }, "finish"];
      return goOn({ excluded, held: queue, purpose: "judge" });
    case "mend":
      if (remembersFailures && excluded.includes(own)) return goOn({ excluded: union(excluded, queue) });
      return goOn({ excluded: union(excluded, own), held: queue, purpose: "repair" });
    case "poor":
      return goOn({ excluded: union(excluded, held) });
    case "unfit":
      if (isJudge) return goOn({ excluded: remembersFailures ? union(excluded, queue) : excluded, held, purpose });
      return goOn({ excluded: union(excluded, queue) });
    case "invalid":
      return ERROR.steps;
  }
}

function joining({ hop, round, excluded }: Copy, joined: readonly string[]): Step {
  return { add: makeCopy({ queue: "R", hop: hop + 1, round, excluded, joined }) };
}

function withCall(state: State, { queue, round, held, purpose }: Copy): State {
  const call = `${queue}${round}${purpose === "" ? "" : `${purpose} ${held}`}`;
  if (state.called.includes(call)) return { ...state, duplicates: state.duplicates + 1 };
  return { ...state, called: [...state.called, call].toSorted() };
}

function callWithoutNeed({ row, slots }: State, { hop, part }: Copy): { readonly violation?: string } {
  if (row.kind === "done") return { violation: "a call is made although the row has its result" };
  return slots[hop]?.[part] === undefined ? {} : { violation: "a call is made again although its outcome was kept" };
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
    const move = add(state, step.add, `${who} adds to ${step.add.queue}`, scenario);
    return { ...move, next: withRun(move.next, run, run) };
  }
  if ("bind" in step) return bindWide(state, run, step, protocol);
  if ("bring" in step) return bring(state, run, step.bring, protocol);
  if ("forget" in step) {
    const { [step.forget]: _forgotten, ...slots } = state.slots;
    return { action: `${who} forgets the parts`, next: withRun({ ...state, slots }, run, run) };
  }
  const { round, hop, purpose } = run.copy;
  const { recorded, row } = protocol.record(state.row, { round, hop, status: step.record });
  const action = `${who} records ${step.record}`;
  if (scenario.judges && step.record === "answered" && !(purpose === "judge" && isModelQueue(run.copy))) {
    return { action, next: state, violation: "an answer is recorded that nobody judged" };
  }
  if (!recorded) return { action: `${action}: refused`, next: withRun(state, run, run) };
  return { action, next: withRun(withResult({ ...state, row }, round, hop, step.record, scenario), run, run) };
}

function withResult(state: State, round: number, hop: number, status: "answered" | "error", { rounds }: Scenario): State {
  const results = [...state.results, `${round} ${status}`];
  return { ...state, results, recordedBy: rounds > 1 ? hop : 0, look: undefined, missing: undefined };
}

/** Keeps the chosen step, if the protocol does; its parts are added next. */
function bindWide(state: State, run: Run, { bind, excluded }: Extract<Step, { bind: string }>, protocol: Protocol): Move<State> {
  const { copy } = run;
  const action = `${nameOf(copy)} keeps ${bind}`;
  const parts = Array.from(bind, (_, part): Step => ({ add: partOf(bind, part, { hop: copy.hop + 1, round: copy.round, excluded }) }));
  let { jobs } = state;
  if (protocol.widens === "binder that keeps its choice" && copy.bound === "") {
    const present = jobs.find((job) => isSameId(job.copy, copy));
    // Deleted: the update fails, and with it this run.
    if (present === undefined) return { action: `${action}: it is gone`, next: withRun(state, run, undefined) };
    const kept = makeCopy({ ...present.copy, excluded, joined: [], bound: bind });
    jobs = jobs.map((job) => (job === present ? makeJob(kept, job.active) : job));
  }
  return { action, next: withRun({ ...state, jobs }, run, makeRun(copy, run.locked, inOrder([...parts, ...run.steps], protocol))) };
}

function bring(state: State, run: Run, ending: CallEnding, protocol: Protocol): Move<State> {
  const { copy } = run;
  const { hop, part, step, queue } = copy;
  const action = `${nameOf(copy)} brings ${ending}`;
  const before = state.slots[hop] ?? Array.from(step, () => undefined);
  const { brought } = rules.bring(before, part, `${queue}:${ending}`);
  const next: State = { ...state, slots: { ...state.slots, [hop]: brought } };
  if (!isWhole(brought) || (!protocol.joinRepeats && isWhole(before))) return { action, next: withRun(next, run, run) };
  const steps = inOrder([joining(copy, brought), ...run.steps], protocol);
  const isOneModel = new Set(brought.map((each) => each[0])).size < brought.length;
  return {
    action: `${action}, the last`,
    next: withRun(next, run, makeRun(copy, run.locked, steps)),
    ...(isOneModel ? { violation: "a model is compared with itself" } : {}),
  };
}

/** BullMQ's add: an id that is present is silently dropped. */
function add(state: State, wanted: Copy, action: string, scenario?: Scenario): Move<State> {
  // Who waits, or is paused, may share its hop with another continuation of the same job: the first to claim it has it.
  const mayShare = scenario?.mayWait === true || scenario?.event === "paused";
  const stage = mayShare ? "" : "TR".includes(wanted.queue) ? wanted.queue : "M";
  const purpose = `${stage}${wanted.round}`;
  const usedFor = state.purposes[wanted.hop];
  if (usedFor && (mayShare ? usedFor.at(-1) : usedFor) !== purpose) {
    return { action, next: state, violation: `the id of hop ${wanted.hop} serves two purposes: ${usedFor} and ${purpose}` };
  }
  if (state.jobs.some((job) => isSameId(job.copy, wanted))) return { action: `${action}: dropped`, next: state };
  const purposes = Array.from({ length: Math.max(state.purposes.length, wanted.hop + 1) }, (_, hop) =>
    hop === wanted.hop ? purpose : (state.purposes[hop] ?? ""),
  );
  const copy = wanted.copy === 0 ? makeCopy({ ...wanted, copy: freshCopy(state, wanted) }) : wanted;
  return { action, next: { ...state, purposes, jobs: [...state.jobs, makeJob(copy, false)] } };
}

/** The smallest number that no other copy of the id has, nor will have. */
function freshCopy({ jobs, runs, row }: State, wanted: Copy): number {
  const used = new Set<number>();
  const use = (copy: Copy) => isSameId(copy, wanted) && used.add(copy.copy);
  for (const { copy } of jobs) use(copy);
  for (const { copy, steps } of runs) {
    use(copy);
    for (const step of steps) if (typeof step === "object" && "add" in step) use(step.add);
  }
  let number = 1;
  const isHeld = () => row.hop === wanted.hop && row.holders[wanted.part] === tokenOf({ ...wanted, copy: number });
  while (used.has(number) || isHeld()) number++;
  return number;
}

/** BullMQ's completion: removes the job if this worker still has its lock. */
function finish(state: State, run: Run): State {
  return run.locked ? { ...state, jobs: state.jobs.filter((job) => !isSameId(job.copy, run.copy)) } : state;
}

function unlocked(run: Run): Run {
  return run.locked ? makeRun(run.copy, false, run.steps) : run;
}

function isModelQueue({ queue }: Copy): boolean {
  return queue !== "T" && queue !== "R";
}

function isWide(step: string): boolean {
  return step.length > 1;
}

function isWhole(brought: readonly (string | undefined)[]): brought is readonly string[] {
  return brought.every((each) => each !== undefined);
}

function union(...models: readonly string[]): string {
  return [...new Set(models.join(""))].toSorted().join("");
}

// The reconciler reads the row's entry and goes through the queues, twice: with work going on between any two of them. How long a row must have been
// unclaimed before it is looked for is left out.

function reconcilerMoves(state: State, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const { row, look, producer } = state;
  if (scenario.lookOrder === undefined || state.missing !== undefined) return [];
  if (look === undefined || look.queues === "waiting") {
    if (row.kind !== "open" || (producer !== "idle" && producer !== "dead")) return [];
    const isSecond = look !== undefined && isSameEntry(look.seen, row);
    return [{ action: "reconciler reads the row's entry", next: { ...state, look: { seen: row, look: isSecond ? 2 : 1, queues: 0 } } }];
  }
  const { seen, queues } = look;
  const queue = scenario.lookOrder[queues];
  if (queue !== undefined) {
    const hops = seen.claimed ? protocol.lookedAt(seen.hop) : [seen.hop];
    const isHere = state.jobs.some(({ copy }) => copy.queue === queue && hops.includes(copy.hop));
    return [{ action: `reconciler looks into ${queue}`, next: { ...state, look: isHere ? undefined : { ...look, queues: queues + 1 } } }];
  }
  if (look.look < protocol.looks)
    return [{ action: "reconciler misses the row", next: { ...state, look: { ...look, queues: "waiting" } } }];
  return handleMissing(state, look, protocol, scenario);
}

function handleMissing(state: State, { seen }: Look, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const { row } = state;
  const over: State = { ...state, look: undefined };
  const { recorded, row: lost } = protocol.record(row, { round: seen.round, hop: seen.hop + 1, status: "error" });
  const isLost = recorded && (!protocol.comparesEntry || isSameEntry(row, seen));
  const moves: Move<State>[] = [
    isLost
      ? {
          action: "reconciler ends the row as lost",
          next: withResult({ ...over, row: lost }, seen.round, seen.hop + 1, "error", scenario),
          ...takenForLost(state),
        }
      : { action: "reconciler finds the row alive", next: over },
  ];
  if (state.producer === "dead" || row.kind !== "open") return moves;
  return [...moves, { action: "reconciler gives the row back to its producer", next: { ...over, missing: seen } }];
}

function takenForLost({ deletions, producerCrashes, row }: State): { readonly violation?: string } {
  // A producer that died between noting a row and adding it has lost it as well.
  const mayBeLost = deletions > 0 || (producerCrashes > 0 && !row.claimed);
  return mayBeLost ? {} : { violation: "a row is taken for lost although nothing was deleted" };
}

// Retry, and what happens to a batch.

function retryMoves(state: State, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const { row, results, producer, recordedBy } = state;
  if (row.kind !== "done" || producer !== "idle" || row.round + 1 >= scenario.rounds || !results.at(-1)?.endsWith("error")) return [];
  const again = rules.retry(row, protocol.retryHop(recordedBy));
  return [{ action: `!retry at hop ${again.hop}`, next: { ...state, row: again, producer: "add", producerHop: again.hop } }];
}

function eventMoves(state: State, { event }: Scenario): Move<State>[] {
  if (event === undefined || state.event === 2 || (state.row.kind === "done" && state.event === 0)) return [];
  if (state.event === 0) return [{ action: `!the batch is ${event}`, next: { ...state, event: 1 } }];
  return event === "paused" ? [{ action: "the batch is resumed", next: { ...state, event: 2 } }] : [];
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
    if (may("lost reply")) moves.push(...lostReplies(hit, run, protocol, scenario));
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

/** Done by Redis, but the answer was lost: the step is done again. A command sent again adds the very same queue job, with its time of adding. */
function lostReplies(hit: State, run: Run, protocol: Protocol, scenario: Scenario): Move<State>[] {
  const [step, ...later] = run.steps;
  if (typeof step !== "object") return [];
  const { action, next, violation } = apply(hit, run, step, protocol, scenario);
  const done = (runs: readonly Run[]): Move<State> => ({
    action: `!${action}, reply lost`,
    next: { ...next, runs },
    ...(violation ? { violation } : {}),
  });
  if (!("add" in step)) return [done(hit.runs)];
  const resent: Step = { add: makeCopy({ ...step.add, copy: freshCopy(hit, step.add) }) };
  return [done(hit.runs), done(hit.runs.map((other) => (other === run ? makeRun(run.copy, run.locked, [resent, ...later]) : other)))];
}
