// A permit book in this process's memory: for tests, and the plain statement of the rules that the scripts repeat inside Redis.

import type { ProviderSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Clock } from "../runtime/clock.ts";
import { NO_CHARGE, type Charge } from "./charging.ts";
import { createMemoryScope, type MemoryScope } from "./memory-scope.ts";
import {
  EARLY_MS,
  HORIZON_MS,
  LATE_MS,
  UNCERTAIN_MS,
  type CutOffCall,
  type PermitAnswer,
  type PermitAsk,
  type PermitBook,
  type PermitEnding,
  type RefusedAsk,
} from "./permit-book.ts";
import { providerScopes } from "./scopes.ts";

type Lease = PermitAsk & { readonly startedAt: number; readonly expiresAt: number };

export function createMemoryBook({ provider, clock }: { provider: ProviderSpec; clock: Clock }): PermitBook {
  const limits = providerScopes(provider);
  const scopes = new Map<string, MemoryScope>();
  const leases = new Map<string, Lease>();
  const uncertain = new Map<string, Lease>();

  const scopesOf = (model: ModelId): readonly MemoryScope[] =>
    (limits.of(model) ?? []).map((scope) => {
      const made = scopes.get(scope.name) ?? createMemoryScope(scope);
      scopes.set(scope.name, made);
      return made;
    });

  const askOne = (ask: PermitAsk, now: number): PermitAnswer => {
    const earlier = leases.get(ask.call);
    if (earlier?.nonce === ask.nonce) return { kind: "granted" };
    const passed = scopesOf(ask.model);
    const answer = pay(ask, passed, { now, own: earlier ? 1 : 0 });
    if (answer !== "paid") return answer;
    if (!earlier) for (const scope of passed) scope.enter();
    const lost = earlier ?? uncertain.get(ask.call);
    uncertain.delete(ask.call);
    leases.set(ask.call, { ...ask, startedAt: now, expiresAt: now + ask.leaseMs });
    return lost ? { kind: "granted", cutOff: toCutOff(lost) } : { kind: "granted" };
  };

  const pay = (
    ask: PermitAsk,
    passed: readonly MemoryScope[],
    { now, own }: { readonly now: number; readonly own: number },
  ): PermitAnswer | "paid" => {
    const barred = worstOf(passed.map((scope) => scope.bar(now, own)));
    if (ask.ticket !== undefined) {
      if (now < ask.ticket - EARLY_MS) return { kind: "ticket", ticket: ask.ticket, waitMs: ask.ticket - now };
      for (const scope of passed) scope.countTicket(ask.charge, -1);
      if (!barred && now <= ask.ticket + LATE_MS) {
        for (const scope of passed) scope.redeem(ask.charge, now);
        return "paid";
      }
      for (const scope of passed) scope.refund(ask.charge, ask.ticket, now);
    }
    if (barred) return barred;
    const prices = passed.map((scope) => scope.price(ask, now));
    const worst = worstOf(prices.map(({ refusal }) => refusal));
    const longestMs = Math.max(...prices.map(({ lineMs }) => lineMs));
    if (worst && (longestMs > HORIZON_MS || worst.waitMs > ask.patienceMs)) {
      // The model's line is joined whoever refused; another's only where it refused.
      passed.forEach((scope, i) => (i === 0 || prices[i]?.refusal) && scope.queue(ask, now));
      return worst;
    }
    for (const scope of passed) {
      scope.pay(ask.charge, now);
      if (worst) scope.countTicket(ask.charge, 1);
    }
    return worst ? { kind: "ticket", ticket: now + worst.waitMs, waitMs: worst.waitMs } : "paid";
  };

  const endOne = (ending: PermitEnding, now: number) => {
    const found = leases.get(ending.call) ?? uncertain.get(ending.call);
    const lease = found && (ending.nonce === undefined || found.nonce === ending.nonce) ? found : undefined;
    const passed = scopesOf(ending.model);
    if (lease) {
      if (leases.has(lease.call)) dropLease(lease);
      uncertain.delete(lease.call);
      const change = changeOf(lease.charge, ending.final);
      if (change) for (const scope of passed) scope.correct(change, now);
      if (ending.isWelcome) passed[0]?.welcome(lease.startedAt);
    }
    if (ending.refund) {
      for (const scope of passed) {
        scope.countTicket(ending.refund.charge, -1);
        scope.refund(ending.refund.charge, ending.refund.ticket, now);
      }
    }
    for (const reading of ending.readings ?? []) passed.find((scope) => scope.limits(reading.dimension))?.read(reading, now);
    if (ending.refusal) passed[0]?.refused(ending.refusal, lease?.startedAt, now);
  };

  const dropLease = (lease: Lease) => {
    leases.delete(lease.call);
    for (const scope of scopesOf(lease.model)) scope.leave();
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
      const answers = asks.map((ask) => askOne(ask, now));
      for (const scope of scopes.values()) scope.endTurn();
      return answers;
    },
    async look(call) {
      const found = leases.get(call) ?? uncertain.get(call);
      return found && toCutOff(found);
    },
    async end(endings) {
      for (const ending of endings) endOne(ending, clock.now());
    },
  };
}

function toCutOff({ nonce, startedAt, inputTokens, outputTokens }: Lease): CutOffCall {
  return { nonce, startedAt, inputTokens, outputTokens };
}

/** What the end of a call changes of what it was charged. */
function changeOf(charged: Charge, final: PermitEnding["final"]): Charge | undefined {
  if (final.kind === "kept") return undefined;
  const used = final.kind === "used" ? final.used : NO_CHARGE;
  return {
    rpm: used.rpm - charged.rpm,
    rpd: used.rpd - charged.rpd,
    tpm: used.tpm - charged.tpm,
    itpm: used.itpm - charged.itpm,
    otpm: used.otpm - charged.otpm,
  };
}

function worstOf(refusals: readonly (RefusedAsk | undefined)[]): RefusedAsk | undefined {
  return refusals.reduce((a, b) => (b && (!a || b.waitMs > a.waitMs) ? b : a), undefined);
}
