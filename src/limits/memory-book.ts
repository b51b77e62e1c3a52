// A permit book in this process's memory: for tests, and the plain statement of the rules that lua-ask.ts and lua-end.ts repeat inside Redis.

import type { Limits, ProviderSpec } from "../job/model.ts";
import type { Clock } from "../runtime/clock.ts";
import { bucketRates, bucketWaitMs, chargeBucket, lowerBucket, type BucketRate } from "./bucket.ts";
import { finalCharge, NO_CHARGE, type Charge, type Dimension } from "./charging.ts";
import {
  ACCOUNT,
  LATE_SHARE,
  UNCERTAIN_MS,
  type PermitAnswer,
  type PermitAsk,
  type PermitBook,
  type PermitEnding,
  type RefusedAsk,
} from "./permit-book.ts";

type Lease = PermitAsk & { readonly startedAt: number; readonly expiresAt: number };

/** The limits of a model or of the account, and where they stand. */
interface Scope {
  readonly name: string;
  readonly rates: ReadonlyMap<Dimension, BucketRate>;
  readonly concurrency: number;
  readonly fullAt: Map<Dimension, number>;
  calls: number;
  holdUntil: number;
  /** Who is first in line, until when the others let it be. */
  head: { readonly nonce: string; readonly until: number } | undefined;
}

export function createMemoryBook({ provider, clock, burstMs }: { provider: ProviderSpec; clock: Clock; burstMs: number }): PermitBook {
  const account = createScope(ACCOUNT, provider.limits, burstMs);
  const models = new Map(provider.models.map((model) => [model.id as string, createScope(model.id, model.limits, burstMs)]));
  const leases = new Map<string, Lease>();
  const uncertain = new Map<string, Lease>();
  const lateMs = burstMs * LATE_SHARE;

  const scopesOf = (model: string): readonly Scope[] => [models.get(model) as Scope, account];

  const askOne = (ask: PermitAsk, now: number, queued: Map<Scope, Map<Dimension, number>>): PermitAnswer => {
    const earlier = leases.get(ask.call);
    if (earlier?.nonce === ask.nonce) return { kind: "granted" };
    const scopes = scopesOf(ask.model);
    const refusals = scopes.map((scope) => refusalBy(scope, ask, now, { own: earlier ? 1 : 0, queued: queued.get(scope), lateMs }));
    const worst = refusals.reduce((a, b) => (b && (!a || b.waitMs > a.waitMs) ? b : a), undefined);
    if (worst) {
      const [model, whole] = scopes as [Scope, Scope];
      for (const scope of refusals[1] ? [model, whole] : [model]) {
        const isFirst = !queued.has(scope) && scope.name === worst.scope && isRate(worst.by);
        if (isFirst && worst.waitMs <= ask.patienceMs) scope.head = { nonce: ask.nonce, until: now + worst.waitMs + lateMs };
        const line = queued.get(scope) ?? new Map<Dimension, number>();
        for (const [dimension, rate] of scope.rates) line.set(dimension, (line.get(dimension) ?? 0) + ask.charge[dimension] / rate.perMs);
        queued.set(scope, line);
      }
      return worst;
    }
    if (earlier) dropLease(earlier);
    for (const scope of scopes) {
      for (const [dimension, rate] of scope.rates) move(scope, dimension, ask.charge[dimension], rate, now);
      scope.calls++;
      if (scope.head?.nonce === ask.nonce) scope.head = undefined;
    }
    const lost = earlier ?? uncertain.get(ask.call);
    uncertain.delete(ask.call);
    leases.set(ask.call, { ...ask, startedAt: now, expiresAt: now + ask.leaseMs });
    if (!lost) return { kind: "granted" };
    return { kind: "granted", cutOff: { startedAt: lost.startedAt, inputTokens: lost.inputTokens, outputTokens: lost.outputTokens } };
  };

  const endOne = ({ call, nonce, ending }: PermitEnding, now: number) => {
    const lease = leases.get(call) ?? uncertain.get(call);
    if (!lease || (nonce !== undefined && lease.nonce !== nonce)) return;
    if (leases.has(call)) dropLease(lease);
    uncertain.delete(call);
    if (ending.kind === "kept") return;
    const final = ending.kind === "unused" ? NO_CHARGE : finalCharge(ending.used, lease.floor);
    for (const scope of scopesOf(lease.model)) {
      for (const [dimension, rate] of scope.rates) move(scope, dimension, difference(final, lease.charge, dimension), rate, now);
    }
  };

  const dropLease = (lease: Lease) => {
    leases.delete(lease.call);
    for (const scope of scopesOf(lease.model)) scope.calls--;
  };

  /** Leases that ran out give their place back and are kept as uncertain. */
  const reap = (now: number) => {
    for (const lease of leases.values()) {
      if (lease.expiresAt > now) continue;
      dropLease(lease);
      uncertain.set(lease.call, lease);
    }
    for (const lease of uncertain.values()) if (lease.expiresAt + UNCERTAIN_MS <= now) uncertain.delete(lease.call);
  };

  return {
    async ask(asks) {
      const now = clock.now();
      reap(now);
      const queued = new Map<Scope, Map<Dimension, number>>();
      return asks.map((ask) => askOne(ask, now, queued));
    },
    async end(endings) {
      for (const ending of endings) endOne(ending, clock.now());
    },
    async lower(readings) {
      const now = clock.now();
      for (const { model, dimension, remaining } of readings) {
        const scope = scopesOf(model).find(({ rates }) => rates.has(dimension));
        const rate = scope?.rates.get(dimension);
        if (scope && rate) scope.fullAt.set(dimension, lowerBucket(scope.fullAt.get(dimension) ?? 0, remaining, rate, now));
      }
    },
    async hold(model, waitMs) {
      const [scope] = scopesOf(model);
      if (scope) scope.holdUntil = Math.max(scope.holdUntil, clock.now() + waitMs);
    },
  };
}

function createScope(name: string, limits: Limits, burstMs: number): Scope {
  const rates = bucketRates(limits, burstMs);
  const concurrency = limits.concurrency ?? Number.POSITIVE_INFINITY;
  return { name, rates, concurrency, fullAt: new Map(), calls: 0, holdUntil: 0, head: undefined };
}

interface Standing {
  /** 1 when the call itself holds a lease that the grant would replace. */
  readonly own: number;
  readonly queued: ReadonlyMap<Dimension, number> | undefined;
  readonly lateMs: number;
}

function refusalBy(scope: Scope, ask: PermitAsk, now: number, { own, queued, lateMs }: Standing): RefusedAsk | undefined {
  let worst: RefusedAsk | undefined;
  const refuse = (waitMs: number, by: RefusedAsk["by"]) => {
    if (!worst || waitMs > worst.waitMs) worst = { kind: "refused", waitMs, by, scope: scope.name };
  };
  if (scope.calls - own >= scope.concurrency) refuse(0, "calls");
  if (scope.holdUntil > now) refuse(scope.holdUntil - now, "hold");
  if (scope.head && scope.head.until > now && scope.head.nonce !== ask.nonce) refuse(Math.max(1, scope.head.until - lateMs - now), "line");
  for (const [dimension, rate] of scope.rates) {
    const waitMs = bucketWaitMs(scope.fullAt.get(dimension) ?? 0, ask.charge[dimension], rate, now, queued?.get(dimension));
    if (waitMs > 0) refuse(waitMs, dimension);
  }
  return worst;
}

function move(scope: Scope, dimension: Dimension, amount: number, rate: BucketRate, now: number): void {
  if (amount !== 0) scope.fullAt.set(dimension, chargeBucket(scope.fullAt.get(dimension) ?? 0, amount, rate, now));
}

function difference(final: Charge, charged: Charge, dimension: Dimension): number {
  return final[dimension] - charged[dimension];
}

function isRate(by: RefusedAsk["by"]): boolean {
  return by !== "calls" && by !== "hold" && by !== "line";
}
