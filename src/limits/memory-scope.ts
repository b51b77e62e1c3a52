// One scope of a permit book in memory: where its limits stand.

import {
  bucketLineMs,
  bucketWaitMs,
  chargeBucket,
  lowerBucket,
  payBucket,
  raiseBucket,
  redeemBucket,
  refundable,
  type BucketRate,
} from "./bucket.ts";
import type { Charge, Dimension } from "./charging.ts";
import { flowAfter, flowRate, type Flow } from "./flow.ts";
import { afterRefusal, afterSuccess, isOver, PACE_BURST_MS, paceRate, type Pace } from "./pace.ts";
import type { PermitAsk, PermitReading, PermitRefusal, RefusedAsk } from "./permit-book.ts";
import type { LimitScope } from "./scopes.ts";

type BucketName = Dimension | "pace";

/** A pace is a guess: there is nothing to be exact about. */
const NO_TRAVEL = { fromMs: Number.POSITIVE_INFINITY, ms: 0, wholeMs: 0 };

export interface MemoryScope {
  limits(dimension: Dimension): boolean;
  /** What bars a call whatever it costs. `own`: 1 when the call itself holds a lease that the grant would replace. */
  bar(now: number, own: number): RefusedAsk | undefined;
  /** What the call would have to wait for, and how long the line is before it. */
  price(ask: PermitAsk, now: number): { readonly refusal: RefusedAsk | undefined; readonly lineMs: number };
  /** Later asks of the same turn stand behind this one. */
  queue(ask: PermitAsk, now: number): void;
  /** A call is let in, now or by a ticket. */
  pay(charge: Charge, now: number): void;
  /** A call that had a ticket is on its way. */
  redeem(paid: Charge, now: number): void;
  /** What a call's end changes of its charge. */
  correct(change: Charge, now: number): void;
  /** A ticket is given (1), or is out no more (-1). */
  countTicket(paid: Charge, sign: 1 | -1): void;
  /** Of an unused ticket. */
  refund(paid: Charge, ticket: number, now: number): void;
  enter(): void;
  leave(): void;
  read(reading: PermitReading, now: number): void;
  welcome(grantedAt: number): void;
  refused(refusal: PermitRefusal, grantedAt: number | undefined, now: number): void;
  endTurn(): void;
}

export function createMemoryScope({ name, rates: configured, concurrency = Number.POSITIVE_INFINITY }: LimitScope): MemoryScope {
  const fullAt = new Map<BucketName, number>();
  const raisedAt = new Map<Dimension, number>();
  /** Vendors' own rates, below the configured ones. */
  const caps = new Map<Dimension, number>();
  const flows = new Map<Dimension, Flow>();
  /** Charges of tickets that are still out. */
  const pending = new Map<Dimension, number>();
  let queued: Map<BucketName, number> | undefined;
  let calls = 0;
  let holdUntil = 0;
  let pace: Pace | undefined;

  const rateOf = (dimension: Dimension): BucketRate | undefined => {
    const rate = configured.get(dimension);
    return rate && { ...rate, perMs: Math.min(rate.perMs, caps.get(dimension) ?? rate.perMs) };
  };

  const buckets = (now: number): ReadonlyMap<BucketName, BucketRate> => {
    const found = new Map<BucketName, BucketRate>();
    for (const dimension of configured.keys()) found.set(dimension, rateOf(dimension) as BucketRate);
    forgetPaceThatIsOver(now);
    if (pace) {
      const perMs = paceRate(pace, now);
      found.set("pace", { perMs, burstMs: Math.max(PACE_BURST_MS, 1 / perMs), travel: NO_TRAVEL });
    }
    return found;
  };

  const forgetPaceThatIsOver = (now: number) => {
    if (pace && isOver(pace, rateOf("rpm")?.perMs, now)) pace = undefined;
  };

  const track = (dimension: Dimension, amount: number, now: number) => {
    if (configured.has(dimension) || dimension === "rpm") flows.set(dimension, flowAfter(flows.get(dimension), amount, now));
  };

  const move = (charge: Charge, now: number, moved: typeof chargeBucket) => {
    for (const [bucket, rate] of buckets(now)) {
      const amount = charge[bucket === "pace" ? "rpm" : bucket];
      if (amount !== 0) fullAt.set(bucket, moved(fullAt.get(bucket) ?? 0, amount, rate, now));
    }
    for (const [dimension, amount] of Object.entries(charge) as [Dimension, number][]) if (amount !== 0) track(dimension, amount, now);
  };

  return {
    limits: (dimension) => configured.has(dimension),
    bar(now, own) {
      let worst: RefusedAsk | undefined;
      if (calls - own >= concurrency) worst = { kind: "refused", waitMs: 0, by: "calls", scope: name };
      if (holdUntil > now) worst = { kind: "refused", waitMs: holdUntil - now, by: "hold", scope: name };
      return worst;
    },
    price(ask, now) {
      let refusal: RefusedAsk | undefined;
      let lineMs = 0;
      for (const [bucket, rate] of buckets(now)) {
        const amount = ask.charge[bucket === "pace" ? "rpm" : bucket];
        const full = fullAt.get(bucket) ?? 0;
        const queuedMs = queued?.get(bucket);
        const waitMs = bucketWaitMs(full, amount, rate, now, queuedMs);
        if (waitMs > 0 && (!refusal || waitMs > refusal.waitMs)) refusal = { kind: "refused", waitMs, by: bucket, scope: name };
        if (amount > 0) lineMs = Math.max(lineMs, bucketLineMs(full, rate, now, queuedMs));
      }
      return { refusal, lineMs };
    },
    queue(ask, now) {
      queued ??= new Map();
      for (const [bucket, rate] of buckets(now)) {
        // Nobody waits in line for a day's requests: all are told when the first will have grown back.
        if (bucket === "rpd") continue;
        queued.set(bucket, (queued.get(bucket) ?? 0) + ask.charge[bucket === "pace" ? "rpm" : bucket] / rate.perMs);
      }
    },
    pay: (charge, now) => move(charge, now, payBucket),
    redeem(paid, now) {
      for (const dimension of configured.keys()) {
        if (paid[dimension] === 0) continue;
        fullAt.set(dimension, redeemBucket(fullAt.get(dimension) ?? 0, paid[dimension], rateOf(dimension) as BucketRate, now));
      }
    },
    correct: (change, now) => move(change, now, chargeBucket),
    countTicket(paid, sign) {
      for (const dimension of configured.keys())
        pending.set(dimension, Math.max(0, (pending.get(dimension) ?? 0) + sign * paid[dimension]));
    },
    refund(paid, ticket, now) {
      for (const [bucket, rate] of buckets(now)) {
        const amount = refundable(paid[bucket === "pace" ? "rpm" : bucket], ticket, rate, now);
        if (amount > 0) fullAt.set(bucket, chargeBucket(fullAt.get(bucket) ?? 0, -amount, rate, now));
      }
      for (const [dimension, amount] of Object.entries(paid) as [Dimension, number][]) if (amount !== 0) track(dimension, -amount, now);
    },
    enter() {
      calls++;
    },
    leave() {
      calls--;
    },
    read({ dimension, levelMs, takenMs, perMs }, now) {
      forgetPaceThatIsOver(now);
      if (perMs !== undefined) {
        if (perMs > 0) caps.set(dimension, perMs);
        else caps.delete(dimension);
      }
      const rate = rateOf(dimension);
      if (!rate) return;
      let full = fullAt.get(dimension) ?? 0;
      if (levelMs !== undefined) full = lowerBucket(full, levelMs, rate, now);
      if (takenMs !== undefined) {
        const raised = raiseBucket(full, takenMs + (pending.get(dimension) ?? 0) / rate.perMs, raisedAt.get(dimension) ?? 0, now);
        if (raised !== full) raisedAt.set(dimension, now);
        full = raised;
      }
      fullAt.set(dimension, full);
    },
    welcome(grantedAt) {
      if (pace) pace = afterSuccess(pace, grantedAt);
    },
    refused({ waitMs, pace: cause }, grantedAt, now) {
      let holdMs = waitMs;
      forgetPaceThatIsOver(now);
      if (cause && grantedAt !== undefined) {
        const after = afterRefusal(pace, cause, {
          grantedAt,
          flowPerMs: flowRate(flows.get("rpm"), now),
          limitPerMs: rateOf("rpm")?.perMs,
          now,
        });
        if (!pace) fullAt.delete("pace");
        pace = after.pace;
        holdMs = Math.max(holdMs, after.holdMs);
      }
      holdUntil = Math.max(holdUntil, now + holdMs);
    },
    endTurn() {
      queued = undefined;
    },
  };
}
