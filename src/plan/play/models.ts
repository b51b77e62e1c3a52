// Models as a play has them: their queues, and the calls that a pool has in hand. What the router is told of them is as old as its last look.

import type { ModelId } from "../../job/names.ts";
import { createDrainGauge, type DrainGauge } from "./drain-gauge.ts";
import { createPermitLine, type Charge, type PlayedLimit } from "./limits.ts";

export interface PlayedModel {
  readonly model: ModelId;
  /** All that its calls pass. */
  readonly limits: readonly PlayedLimit[];
  /** Calls that a pool has in hand at most, second by second from the first one on; the last number stands for all that follow. */
  readonly slots: readonly number[];
  /** Calls per millisecond that it takes, by its limits or by its slots and its time for a call. */
  readonly perMs: number;
  /** Calls per millisecond that its pool tells the router of, second by second as above; infinite where it knows of no limit: then the queue's drain is what the router sees. */
  readonly toldPerMs: readonly number[];
}

export interface PlayedCall {
  readonly model: ModelId;
  readonly charge: Charge;
  /** How long such calls take: ascending, each as likely as any other. */
  readonly latenciesMs: readonly number[];
}

export interface PlayedModels<Job> {
  isFull(model: ModelId, now: number): boolean;
  /** How long a call that is added now would wait. */
  waitMs(model: ModelId): number;
  add(job: Job, call: PlayedCall, now: number): void;
  /** A call has ended. */
  leave(model: ModelId, now: number): void;
  /** The first call in a model's line may get its permit now. */
  wake(model: ModelId, now: number): void;
  /** The router looks at the queues, and pools at their slots. */
  look(now: number): void;
}

export interface PlayedModelEvents<Job> {
  /** A call has its permit. */
  start(job: Job, call: PlayedCall, times: { readonly startAt: number; readonly endAt: number }): void;
  /** {@link PlayedModels.wake} is to be called then. */
  wakeAt(model: ModelId, at: number): void;
}

/** Seconds of work that a model's queue holds at most (workers/model-view.ts). */
const HORIZON_MS = 5_000;
/** Beside a call's own time: taking it, and recording what it brought. */
const OVERHEAD_MS = 10;
/** Each time falls evenly among the latencies, whatever their number (the golden ratio's multiples). */
const GOLDEN = 0.618_033_988_749_895;

interface State<Job> {
  readonly spec: PlayedModel;
  readonly waiting: { readonly job: Job; readonly call: PlayedCall }[];
  /** In hand, and without a permit yet. */
  readonly line: { readonly job: Job; readonly call: PlayedCall }[];
  wakeAt: number;
  inHand: number;
  /** As last looked at: calls in its queue or in hand, and those in its queue; with those added since. */
  seen: number;
  seenWaiting: number;
  readonly drain: DrainGauge;
}

export function createPlayedModels<Job>(models: Iterable<PlayedModel>, events: PlayedModelEvents<Job>): PlayedModels<Job> {
  const permits = createPermitLine();
  const newState = (spec: PlayedModel): State<Job> => {
    const drain = createDrainGauge();
    return { spec, waiting: [], line: [], wakeAt: Number.POSITIVE_INFINITY, inHand: 0, seen: 0, seenWaiting: 0, drain };
  };
  const states = new Map(Array.from(models, (spec) => [spec.model, newState(spec)]));
  const drawn = new Map<PlayedCall, number>();
  const stateOf = (model: ModelId) => states.get(model)!;
  const slotsAt = ({ slots }: PlayedModel, now: number) => bySecond(slots, now) ?? 1;

  const latencyOf = (call: PlayedCall): number => {
    const share = ((drawn.get(call) ?? 0.5) + GOLDEN) % 1;
    drawn.set(call, share);
    return call.latenciesMs[Math.floor(share * call.latenciesMs.length)] ?? 0;
  };

  /** What waits for one of its limits takes nothing of the others. */
  const grant = (state: State<Job>, now: number) => {
    const { spec, line } = state;
    while (line.length > 0) {
      const { job, call } = line[0]!;
      const at = permits.mayGoAt(spec.limits, call.charge, now);
      if (at > now) {
        if (state.wakeAt > at || state.wakeAt <= now) events.wakeAt(spec.model, (state.wakeAt = at));
        return;
      }
      line.shift();
      const endAt = now + latencyOf(call) + OVERHEAD_MS;
      permits.take(spec.limits, call.charge, { startAt: now, endAt });
      events.start(job, call, { startAt: now, endAt });
    }
  };
  const takeNext = (state: State<Job>, now: number) => {
    const { spec, waiting, line } = state;
    while (waiting.length > 0 && state.inHand < slotsAt(spec, now)) {
      line.push(waiting.shift()!);
      state.inHand++;
    }
    grant(state, now);
  };

  return {
    isFull(model, now) {
      const { spec, seen, drain } = stateOf(model);
      const told = bySecond(spec.toldPerMs, now) ?? Number.POSITIVE_INFINITY;
      const perMs = Number.isFinite(told) ? told : drain.perMs(now);
      return seen >= Math.ceil(Math.max(2 * slotsAt(spec, now), perMs * HORIZON_MS));
    },
    waitMs(model) {
      const { spec, seenWaiting } = stateOf(model);
      return seenWaiting / spec.perMs;
    },
    add(job, call, now) {
      const state = stateOf(call.model);
      state.waiting.push({ job, call });
      state.seen++;
      state.seenWaiting++;
      takeNext(state, now);
    },
    leave(model, now) {
      const state = stateOf(model);
      state.inHand--;
      state.drain.ended(now);
      takeNext(state, now);
    },
    wake(model, now) {
      grant(stateOf(model), now);
    },
    look(now) {
      for (const state of states.values()) {
        takeNext(state, now);
        state.seenWaiting = state.waiting.length;
        state.seen = state.waiting.length + state.inHand;
      }
    },
  };
}

/** The last one stands for all that follow. */
function bySecond(numbers: readonly number[], now: number): number | undefined {
  return numbers[Math.min(numbers.length - 1, Math.floor(now / 1_000))];
}
