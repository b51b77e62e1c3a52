// How many slots (jobs in hand) a pool process needs of a model, as plain arithmetic.
//
// Little's law: calls in flight = calls per second × seconds per call. Beyond those, some for the spread around that mean, and some that wait for
// their permit, so that the limiter always has somebody to grant the next one to.

import type { Charge } from "../src/limits/charging.ts";
import type { LimitScope } from "../src/limits/scopes.ts";

/** Where nothing limits the rate. */
const UNLIMITED_SLOTS = 64;
/** Most slots of a model in one process: what it can do with a core is reached long before. */
const MOST_SLOTS = 512;
/** Those in flight vary around their mean by less than its square root: permits come evenly, latencies don't. */
const SPREAD = 3;
/** However long the calls take, the spread is no more than this much of the rate: where it isn't needed, those slots wait for permits, and longer than their patience. */
const LONGEST_SPREAD_SECONDS = 1;
const FEWEST_SPREAD = 2;
/** Slots that wait for a permit: some, and a quarter of a second of the rate, as far as a limiter's turn goes. */
const FEWEST_WAITING = 2;
const WAITING_SECONDS = 0.25;
const MOST_WAITING = 64;

type Limited = Pick<LimitScope, "rates" | "concurrency">;

/** Calls per second that the tightest of the limits allows the whole fleet, at the mean charge of a call; infinite where nothing limits them. */
export function callsPerSecond(scopes: readonly Limited[], charge: Charge): number {
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

/** The most one of the processes may use: its share of the limits on calls in flight, rounded up, for the limiter keeps to them exactly. */
export function mostSlots(scopes: readonly Limited[], processes: number): number {
  return Math.min(MOST_SLOTS, ...scopes.map(({ concurrency }) => Math.ceil((concurrency ?? Number.POSITIVE_INFINITY) / processes)));
}

/** The slots of one of the processes, whatever is allowed; not rounded. `ratePerSecond`: of the whole fleet. */
export function slotsNeeded(ratePerSecond: number, latencyMs: number, processes: number): number {
  if (ratePerSecond === Number.POSITIVE_INFINITY) return UNLIMITED_SLOTS;
  const rate = ratePerSecond / processes;
  const inFlight = (rate * latencyMs) / 1_000;
  const spread = Math.min(SPREAD * Math.sqrt(inFlight), rate * LONGEST_SPREAD_SECONDS + FEWEST_SPREAD);
  return inFlight + spread + FEWEST_WAITING + Math.min(MOST_WAITING, rate * WAITING_SECONDS);
}

export function slotsFor(facts: {
  /** All limits that a call of the model passes. */
  readonly scopes: readonly Limited[];
  /** Mean of a call. */
  readonly charge: Charge;
  /** Mean time a call occupies its slot, the wait for its permit left out. */
  readonly latencyMs: number;
  /** Live processes that take the model's calls. */
  readonly processes: number;
}): number {
  const { scopes, charge, latencyMs, processes } = facts;
  const needed = slotsNeeded(callsPerSecond(scopes, charge), latencyMs, processes);
  return Math.min(Math.ceil(needed), mostSlots(scopes, processes));
}
