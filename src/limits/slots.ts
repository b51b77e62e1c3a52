// How many slots (jobs in hand) a pool process needs of a model, as plain arithmetic.
//
// Little's law: calls in flight = calls per second × seconds per call. Beyond those, some for the spread around that mean, and some that wait for
// their permit, so that the limiter always has somebody to grant the next one to.

import type { ModelSpec } from "../job/model.ts";
import { bucketRates } from "./bucket.ts";
import { NO_CHARGE, type Charge } from "./charging.ts";
import type { LimitScope } from "./scopes.ts";

/** Where nothing limits the rate, nor the calls in flight. */
const UNLIMITED_SLOTS = 64;
/** Most slots of a model in one process. They count for calls that take long; with short ones its CPU is used up by a few dozen. */
const MOST_SLOTS = 2_048;
/** Those in flight vary around their mean by less than its square root: permits come evenly, latencies don't. */
const SPREAD = 3;
/** However long the calls take, the spread is no more than this much of the rate: where it isn't needed, those slots wait for permits, and longer than their patience. */
const LONGEST_SPREAD_SECONDS = 1;
const FEWEST_SPREAD = 2;
/** Slots that wait for a permit: some, and as many as cover the limiter's horizon and the pause between two asks. */
const FEWEST_WAITING = 2;
const WAITING_SECONDS = 0.15;
const MOST_WAITING = 64;

/** What a call is assumed to take, until one has ended. */
export const ASSUMED_LATENCY_MS = 2_000;
/** A call that nothing is known of. */
export const UNMEASURED = { charge: { ...NO_CHARGE, rpm: 1, rpd: 1 }, latencyMs: ASSUMED_LATENCY_MS } as const;
/** Slots that follow the latency freely. */
export const FREE_SLOTS = 256;
/** A raise at most doubles them, and some: what it brings is measured before the next. */
export const MOST_RAISE = 2;
export const RAISE_EXTRA = 4;

type Limited = Pick<LimitScope, "rates" | "concurrency">;

export interface SlotFacts {
  /** All limits that a call of the model passes. */
  readonly scopes: readonly Limited[];
  /** Mean of a call. */
  readonly charge: Charge;
  /** Mean time a call occupies its slot, the wait for its permit left out. */
  readonly latencyMs: number;
  /** Live processes that take the model's calls. */
  readonly processes: number;
}

/** A pool's slots of a model, as far as the model's own limits tell before anything is measured. */
export function firstSlots({ limits }: Pick<ModelSpec, "limits">): number {
  const scopes = [{ rates: bucketRates(limits), concurrency: limits.concurrency }];
  return Math.min(FREE_SLOTS, slotsFor({ scopes, ...UNMEASURED, processes: 1 }));
}

/** The slots of one of the processes. */
export function slotsFor(facts: SlotFacts): number {
  return Math.min(Math.ceil(slotsNeeded(facts)), mostSlots(facts));
}

/** Those that are of use to one of the processes, whatever is allowed; not rounded. */
export function slotsNeeded(facts: SlotFacts): number {
  const rate = callsPerSecond(facts) / facts.processes;
  if (rate === Number.POSITIVE_INFINITY) {
    return facts.scopes.some(({ concurrency }) => concurrency !== undefined) ? mostSlots(facts) : UNLIMITED_SLOTS;
  }
  const inFlight = (rate * facts.latencyMs) / 1_000;
  const spread = Math.min(SPREAD * Math.sqrt(inFlight), rate * LONGEST_SPREAD_SECONDS + FEWEST_SPREAD);
  return inFlight + spread + FEWEST_WAITING + Math.min(MOST_WAITING, rate * WAITING_SECONDS);
}

/** The most that one of the processes may have: its share of the limits on calls in flight, rounded up, for the limiter keeps to them exactly. */
export function mostSlots({ scopes, processes }: Pick<SlotFacts, "scopes" | "processes">): number {
  return Math.min(MOST_SLOTS, ...scopes.map(({ concurrency }) => Math.ceil((concurrency ?? Number.POSITIVE_INFINITY) / processes)));
}

/** Calls per second that the tightest of the limits allows the whole fleet, at the mean charge of a call; infinite where nothing limits them. */
export function callsPerSecond({ scopes, charge }: Pick<SlotFacts, "scopes" | "charge">): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { rates } of scopes) {
    for (const [dimension, { perMs }] of rates) {
      // A day's requests may go all at once.
      if (dimension === "rpd" || charge[dimension] === 0) continue;
      lowest = Math.min(lowest, (perMs * 1_000) / charge[dimension]);
    }
  }
  return lowest;
}
