// Plays rows through a route, as the fleet would take them: the router with its slots, models with queues and limits, steps that lead on. What comes of it is
// time, and who takes the rows of a route that goes by who is free.
//
// queue ──▶ router's slot ──(a way's first step has room)──▶ its models' queues ──▶ calls ──▶ repairs, judgements ──(its share)──▶ next step, or done
//   ▲            │ (before that, who is asked for the complexity)                                       │
//   └──(5 s)─────┘ set aside for 5 to 10 s                                                              └──(no room)──▶ queue
//
// Chance plays no part: shares are kept to as evenly as whole rows allow, and latencies come in even measure.

import type { ModelId } from "../../job/names.ts";
import { createEventQueue } from "./event-queue.ts";
import { createPlayedQueue, type PlayedJob } from "./queue.ts";
import { createPlayedModels, type PlayedCall, type PlayedModel } from "./models.ts";

/** A step in its place on a way. */
export interface PlayedStep {
  /** Made at once; what follows waits for all of them. */
  readonly calls: readonly PlayedCall[];
  /** Behind them, one after the other, each for its share of the rows. */
  readonly followUps: readonly { readonly call: PlayedCall; readonly share: number }[];
  /** Share of the rows that go on to the way's next step. */
  readonly over: number;
}

/** Rows that are alike. Which of the ways one takes is chosen by their first steps, when it is bound. */
export interface PlayedRows {
  readonly rows: number;
  /** Made of each row before its way is chosen. */
  readonly before?: PlayedCall;
  readonly ways: readonly (readonly PlayedStep[])[];
  /** So many of the ways are first choices, and put in order by who would be done first; the others come behind them, as they are. */
  readonly firsts: number;
}

export interface Scene {
  readonly groups: readonly PlayedRows[];
  readonly models: readonly PlayedModel[];
  /** Rows of the batch that are in the queue at once. */
  readonly windowRows: number;
  /** The first way that has room, in the order given or by who would be done first; a full one is waited for, unless that takes longer than `spillMs`. */
  readonly choice: { readonly kind: "in-order" | "soonest"; readonly spillMs?: number };
}

export interface Played {
  /** From the first row's beginning to the last one's end. */
  readonly timeMs: number;
  /** When the last call began. */
  readonly lastStartAt: number;
  /** By group and way, the rows that took it. */
  readonly taken: readonly (readonly number[])[];
}

/** Until the router has looked at the queues for the first time. */
const FIRST_LOOK_MS = 150;
const LOOK_EVERY_MS = 100;
/** The router's slots, how long a job waits in one, and is set aside then, at least (workers/router.ts). */
const SLOTS = 64;
const PATIENCE_MS = 5_000;
const SET_ASIDE_MS = 5_000;
const SECOND_MS = 1_000;
const GOLDEN = 0.618_033_988_749_895;

/** It would go on for ever: a fault of who made the scene. */
export class EndlessPlay extends Error {
  constructor(why: string) {
    super(`a play of the fleet has no end: ${why}`);
    this.name = "EndlessPlay";
  }
}

/** Throws {@link EndlessPlay} where a limit lets nothing through. */
export function playRoute({ groups, models, windowRows, choice }: Scene): Played {
  for (const { name, rate } of models.flatMap(({ limits }) => limits))
    if (rate && !(rate.perMs > 0)) throw new EndlessPlay(`"${name}" lets ${rate.perMs} through`);
  const queue = createPlayedQueue(groups, windowRows);
  const slots: { readonly job: PlayedJob; readonly since: number }[] = [];
  const aside = createEventQueue<PlayedJob>();
  const flights = createEventQueue<{ readonly job: PlayedJob; readonly call: PlayedCall }>();
  const wakes = createEventQueue<ModelId>();
  const model = createPlayedModels<PlayedJob>(models, {
    start(job, call, { startAt, endAt }) {
      lastStartAt = startAt;
      flights.add(endAt, { job, call });
    },
    wakeAt: (id, at) => wakes.add(at, id),
  });
  const isChosen = createShares();
  const taken = groups.map(({ ways }) => ways.map(() => 0));
  const settledAt = SECOND_MS * Math.max(0, ...models.map(({ slots: each }) => each.length));
  let left = queue.length();
  let asides = 0;
  let endedAt = 0;
  let lastStartAt = 0;
  let lookedAt = 0;
  let lookAt = FIRST_LOOK_MS;
  /** A call has ended since the router looked. */
  let hasChanged = true;

  const place = (job: PlayedJob, now: number) => {
    job.pending = job.calls.length;
    for (const call of job.calls) model.add(job, call, now);
  };
  const isFull = (calls: readonly PlayedCall[], now: number) => calls.some((call) => model.isFull(call.model, now));
  const waitMs = (calls: readonly PlayedCall[]) => Math.max(...calls.map((call) => model.waitMs(call.model)));

  /** The first steps of a group's ways, in the order in which they are tried now. */
  const inOrder = ({ ways, firsts }: PlayedRows): readonly number[] => {
    const order = Array.from(ways.keys());
    if (choice.kind === "in-order" || ways.length === 1) return order;
    const doneIn = ways.map(([first]) => (first ? waitMs(first.calls) + Math.max(...first.calls.map(medianMs)) : 0));
    return [...order.slice(0, firsts).toSorted((a, b) => doneIn[a]! - doneIn[b]!), ...order.slice(firsts)];
  };

  const choose = (job: PlayedJob, now: number): boolean => {
    const { ways } = groups[job.group]!;
    for (const way of inOrder(groups[job.group]!)) {
      const calls = ways[way]![0]?.calls ?? [];
      if (!isFull(calls, now)) {
        Object.assign(job, { way, calls });
        taken[job.group]![way]!++;
        place(job, now);
        return true;
      }
      if (choice.spillMs === undefined || waitMs(calls) <= choice.spillMs) return false;
    }
    return false;
  };
  const bind = (job: PlayedJob, now: number): boolean => {
    if (job.calls.length === 0) return choose(job, now);
    if (isFull(job.calls, now)) return false;
    place(job, now);
    return true;
  };

  const fillSlots = (now: number) => {
    while (slots.length < SLOTS) {
      const job = queue.take();
      if (!job) return;
      if (!bind(job, now)) slots.push({ job, since: now });
    }
  };

  const look = (now: number) => {
    model.look(now);
    if (hasChanged || now <= settledAt) {
      const kept = slots.splice(0).filter(({ job }) => !bind(job, now));
      slots.push(...kept);
      hasChanged = false;
    }
    while (slots.length > 0 && now - slots[0]!.since >= PATIENCE_MS)
      aside.add(now + SET_ASIDE_MS * (1 + ((++asides * GOLDEN) % 1)), slots.shift()!.job);
    fillSlots(now);
    lookedAt = now;
    // Until a call ends, a job has waited for too long, or pools have looked at their slots, nothing changes.
    lookAt = Math.min(
      (slots[0]?.since ?? Number.POSITIVE_INFINITY) + PATIENCE_MS,
      now < settledAt ? now + SECOND_MS : Number.POSITIVE_INFINITY,
    );
    lookAt = nextLook(lookAt);
  };
  const nextLook = (at: number) => Math.max(lookedAt + LOOK_EVERY_MS, Math.ceil(at / LOOK_EVERY_MS) * LOOK_EVERY_MS);

  /** What comes after the calls that have ended: the first of the step's further calls that falls to this row, or the next step. */
  const goOn = (job: PlayedJob, now: number) => {
    if (job.way === undefined) {
      job.calls = [];
      if (!bind(job, now)) queue.add(job);
      return;
    }
    const way = groups[job.group]!.ways[job.way]!;
    const step = way[job.depth]!;
    while (job.followUps < step.followUps.length) {
      const { call, share } = step.followUps[job.followUps]!;
      job.followUps++;
      if (!isChosen(call, share)) continue;
      job.calls = [call];
      if (!bind(job, now)) queue.add(job);
      return;
    }
    if (job.depth + 1 >= way.length || !isChosen(step, step.over)) {
      left--;
      endedAt = Math.max(endedAt, now);
      return;
    }
    job.depth++;
    job.followUps = 0;
    job.calls = way[job.depth]!.calls;
    if (!bind(job, now)) queue.add(job);
  };

  while (left > 0) {
    const isLooking = slots.length > 0 || queue.length() > 0 || lookAt <= settledAt;
    const now = Math.min(flights.nextAt(), wakes.nextAt(), aside.nextAt(), isLooking ? lookAt : Number.POSITIVE_INFINITY);
    if (now === Number.POSITIVE_INFINITY) throw new EndlessPlay(`${left} rows are left, and nothing is to come`);
    if (flights.nextAt() <= now) {
      const { job, call } = flights.take()!;
      model.leave(call.model, now);
      hasChanged = true;
      lookAt = Math.min(lookAt, nextLook(now));
      if (--job.pending === 0) goOn(job, now);
    } else if (wakes.nextAt() <= now) {
      model.wake(wakes.take()!, now);
    } else if (aside.nextAt() <= now) {
      // While no job waited in a slot nobody looked at the queues. While one does, what has room since the last look is for those that wait.
      if (slots.length === 0) model.look(now);
      queue.add(aside.take()!);
    } else look(now);
    if (now >= FIRST_LOOK_MS) fillSlots(now);
    if (lookAt < now) lookAt = Math.ceil(now / LOOK_EVERY_MS) * LOOK_EVERY_MS;
  }
  return { timeMs: endedAt, lastStartAt, taken };
}

function medianMs({ latenciesMs }: PlayedCall): number {
  return latenciesMs[Math.floor(latenciesMs.length / 2)] ?? 0;
}

/** Whether the next one is among a share: as evenly as whole ones can be. */
function createShares(): (of: object, share: number) => boolean {
  const sums = new Map<object, number>();
  return (of, share) => {
    const sum = (sums.get(of) ?? 0.5) + share;
    sums.set(of, sum >= 1 ? sum - 1 : sum);
    return sum >= 1;
  };
}
