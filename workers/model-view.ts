// How the models are doing, as the router sees them: how full their queues are, whether they are parked, what their breakers say.
//
// A model's queue is kept shallow: it holds what the model takes in the next seconds, by its limit or, where it has none, by the pace at which the queue was
// seen to drain. Between two readings (at most every 100 ms) the router counts its own additions.

import type { Breaker } from "../src/breaker/breaker.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import type { Availability, ModelView } from "../src/routing/bind.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { modelQueue } from "../src/runtime/keys.ts";
import type { Capacity, Peers } from "../queues/fleet-registry.ts";
import type { QueueSet } from "../queues/queue-set.ts";
import { firstSlots } from "./pool-concurrency.ts";

const READ_EVERY_MS = 100;
/** A model nobody asks about any more is not read. */
const INTEREST_MS = 5_000;
/** Seconds of work a model queue holds at most. */
const HORIZON_SECONDS = 5;
/** A park shorter than this is waited for; a longer one makes the model unavailable. */
const SHORT_PARK_MS = 5_000;

interface Reading {
  depth: number;
  readAt: number;
  /** Calls added by this process since the reading. */
  added: number;
  drainPerSecond: number;
  parkedUntil: number;
  wantedAt: number;
}

export interface LiveModelView extends ModelView {
  /** Counts calls just added to the model's queue. */
  added(id: ModelId, calls: number): void;
  /** Resolves with the next reading: what was full may have room now. */
  changed(): Promise<void>;
  stop(): Promise<void>;
}

export function createModelView(options: {
  readonly models: ReadonlyMap<ModelId, ModelSpec>;
  readonly queues: QueueSet;
  readonly breaker: Breaker;
  readonly peers: Peers;
  readonly clock: Clock;
}): LiveModelView {
  const { models, queues, breaker, peers, clock } = options;
  const readings = new Map<ModelId, Reading>();
  const stopping = new AbortController();
  let waiters: (() => void)[] = [];

  const reading = (id: ModelId): Reading => {
    let found = readings.get(id);
    if (!found) {
      found = { depth: Number.POSITIVE_INFINITY, readAt: 0, added: 0, drainPerSecond: 0, parkedUntil: 0, wantedAt: 0 };
      readings.set(id, found);
    }
    return found;
  };

  const read = async (id: ModelId) => {
    const entry = reading(id);
    const addedBefore = entry.added;
    const queue = queues.queue(modelQueue(id));
    const [counts, parkedMs] = await Promise.all([queue.getJobCounts("wait", "active", "delayed"), queue.getRateLimitTtl(2 ** 40)]);
    const now = clock.now();
    const depth = (counts["wait"] ?? 0) + (counts["active"] ?? 0) + (counts["delayed"] ?? 0);
    if (entry.readAt > 0) {
      const drained = Math.max(0, entry.depth + addedBefore - depth) / Math.max(0.001, (now - entry.readAt) / 1000);
      entry.drainPerSecond = Math.max(drained, entry.drainPerSecond * 0.8 + drained * 0.2);
    }
    Object.assign(entry, { depth, readAt: now, added: entry.added - addedBefore, parkedUntil: now + Math.max(0, parkedMs) });
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const now = clock.now();
      const wanted = Array.from(readings.keys()).filter((id) => now - reading(id).wantedAt < INTEREST_MS);
      await Promise.all(wanted.map((id) => read(id).catch(() => undefined))); // Redis away: the copy stays as it is
      const woken = waiters;
      waiters = [];
      for (const wake of woken) wake();
      await clock.sleep(READ_EVERY_MS, stopping.signal);
    }
  };
  const running = loop();

  return {
    model: (id) => models.get(id),
    availability(id): Availability {
      const entry = reading(id);
      const now = clock.now();
      entry.wantedAt = now;
      const state = breaker.state(id);
      if (state.kind === "open") return { kind: "unavailable", reason: `breaker open: ${state.reason}` };
      if (entry.parkedUntil - now > SHORT_PARK_MS) return { kind: "unavailable", reason: "parked until its vendor takes calls again" };
      const inQueue = entry.depth + entry.added;
      if (state.kind === "half-open") {
        // One probe is all it lets through; nobody waits for its end.
        return inQueue < 1 ? { kind: "available" } : { kind: "unavailable", reason: `breaker half-open: ${state.reason}` };
      }
      return inQueue < targetDepth(models.get(id), peers.capacity(id), entry.drainPerSecond) ? { kind: "available" } : { kind: "full" };
    },
    added(id, calls) {
      reading(id).added += calls;
    },
    changed: () => new Promise((resolve) => waiters.push(resolve)),
    async stop() {
      stopping.abort();
      await running;
      for (const wake of waiters) wake();
    },
  };
}

/** Calls a model's queue holds at most: waiting, delayed and active together. As long as no pool has told what it takes, one is supposed that has just begun. */
function targetDepth(model: ModelSpec | undefined, capacity: Capacity | undefined, drainPerSecond: number): number {
  if (!model) return 0;
  const slots = capacity?.slots ?? firstSlots(model);
  const { rpm } = model.limits;
  const perSecond = capacity?.callsPerSecond ?? (rpm === undefined ? drainPerSecond : rpm / 60);
  return Math.ceil(Math.max(2 * slots, perSecond * HORIZON_SECONDS));
}
