// How the models are doing, as the router sees them: how full their queues are, whether they are parked, what their breakers say.
//
// A model's queue is kept shallow: it holds what the model takes in the next seconds, by its limit or, where it has none, by the pace at which the queue was
// seen to drain. Between two readings (at most every 100 ms) the router counts its own additions. How the models did on each task comes from the fleet's
// statistics.

import type { Breaker } from "../src/breaker/breaker.ts";
import type { ModelSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import type { CallStats } from "../src/routing/call-stats.ts";
import type { Availability, ModelView } from "../src/routing/model-view.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { modelQueue } from "../src/runtime/keys.ts";
import type { Capacity, Peers } from "../queues/fleet-registry.ts";
import type { QueueSet } from "../queues/queue-set.ts";
import { firstSlots } from "../src/limits/slots.ts";

const READ_EVERY_MS = 100;
/** A model nobody asks about any more is not read. */
const INTEREST_MS = 5_000;
/** Seconds of work a model queue holds at most. */
const HORIZON_SECONDS = 5;
/** A park shorter than this is waited for; a longer one makes the model unavailable. */
const SHORT_PARK_MS = 5_000;

/** How far the pace of a queue that has a backlog is averaged. */
const PACE_MS = 5_000;

interface Reading {
  depth: number;
  /** Of the depth, what no pool has taken yet. */
  backlog: number;
  readAt: number;
  /** Calls added by this process since the reading. */
  added: number;
  drainPerSecond: number;
  /** Mean pace while there was a backlog: what the model really takes, whatever its limits say. Undefined: there was none. */
  pacePerSecond: number | undefined;
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
  readonly queues: Pick<QueueSet, "queue">;
  readonly breaker: Pick<Breaker, "state">;
  readonly peers: Pick<Peers, "capacity">;
  readonly stats: Pick<CallStats, "of">;
  /** Absent: no model ever is. */
  readonly isDemoted?: ModelView["isDemoted"];
  /** Absent: there are no budgets. */
  readonly whyShut?: ModelView["whyShut"];
  readonly clock: Clock;
}): LiveModelView {
  const { models, queues, breaker, peers, stats, isDemoted = () => false, whyShut = () => undefined, clock } = options;
  const readings = new Map<ModelId, Reading>();
  const stopping = new AbortController();
  let waiters: (() => void)[] = [];

  const reading = (id: ModelId): Reading => {
    let found = readings.get(id);
    if (!found) {
      const unread = { depth: Number.POSITIVE_INFINITY, backlog: Number.POSITIVE_INFINITY };
      found = { ...unread, readAt: 0, added: 0, drainPerSecond: 0, pacePerSecond: undefined, parkedUntil: 0, wantedAt: 0 };
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
    const backlog = (counts["wait"] ?? 0) + (counts["delayed"] ?? 0);
    const depth = backlog + (counts["active"] ?? 0);
    if (entry.readAt > 0) {
      const elapsedMs = Math.max(1, now - entry.readAt);
      const drained = (Math.max(0, entry.depth + addedBefore - depth) * 1_000) / elapsedMs;
      entry.drainPerSecond = Math.max(drained, entry.drainPerSecond * 0.8 + drained * 0.2);
      // Without a backlog a queue is drained as fast as it is filled, which says nothing.
      if (entry.backlog > 0 && backlog > 0) {
        // It begins with what is to be expected: in a tenth of a second often nothing ends.
        const before = entry.pacePerSecond ?? callsPerSecond(models.get(id), peers.capacity(id), undefined);
        const share = Math.exp(-elapsedMs / PACE_MS);
        entry.pacePerSecond = before * share + drained * (1 - share);
      }
    }
    Object.assign(entry, { depth, backlog, readAt: now, added: entry.added - addedBefore, parkedUntil: now + Math.max(0, parkedMs) });
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
    expectedWaitMs(id) {
      const entry = reading(id);
      const now = clock.now();
      entry.wantedAt = now;
      const state = breaker.state(id);
      const closedInMs = Math.max(0, entry.parkedUntil - now, state.kind === "open" ? state.openUntil - now : 0);
      const ahead = entry.backlog + entry.added;
      if (ahead === 0) return closedInMs;
      return closedInMs + (ahead * 1_000) / callsPerSecond(models.get(id), peers.capacity(id), entry.pacePerSecond);
    },
    stats: (task, id) => stats.of(task, id),
    isDemoted,
    whyShut,
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

/** What the model takes: what its limits allow, or less where less was seen to be taken while more lay there. Zero where nothing is known of it. */
function callsPerSecond(model: ModelSpec | undefined, capacity: Capacity | undefined, pacePerSecond: number | undefined): number {
  if (!model) return 0;
  const { rpm } = model.limits;
  const allowed = capacity?.callsPerSecond ?? (rpm === undefined ? undefined : rpm / 60);
  // Of a model without limits of which nothing was seen yet, each slot is taken for a call a second.
  if (allowed === undefined) return pacePerSecond ?? capacity?.slots ?? firstSlots(model);
  return Math.min(allowed, pacePerSecond ?? allowed);
}
