// The fleet as a plan plays it: each model with the limits that its calls pass, and with as many calls in hand as a pool would have.

import type { ModelSpec } from "../job/model.ts";
import type { ModelId } from "../job/names.ts";
import type { Charge, Dimension } from "../limits/charging.ts";
import { VENDOR_BURST_MS } from "../limits/bucket.ts";
import { providerScopes, type LimitScope } from "../limits/scopes.ts";
import { RAISE_EXTRA, MOST_RAISE, callsPerSecond, firstSlots, mostSlots, slotsNeeded, ASSUMED_LATENCY_MS } from "../limits/slots.ts";
import type { PlannedFleet } from "./plan.ts";
import type { PlayedLimit } from "./play/limits.ts";
import type { PlayedModel } from "./play/models.ts";
import type { Learned } from "./learned.ts";

/** What all calls of a model take together. */
export interface Load {
  readonly model: ModelId;
  readonly calls: number;
  /** Of a call. */
  readonly charge: Charge;
  readonly latencyMs: number;
}

/** A plan is for a fleet of one process for each provider. */
const PROCESSES = 1;
/** Beside the vendor's time, what a call takes of its slot. */
const OVERHEAD_MS = 10;
/** What calls that wait are permitted, and some, is what the pool says that it takes (workers/pool-concurrency.ts). */
const PERMIT_MARGIN = 1.5;
/** As many updates bring any number of slots to where it is needed, once calls have ended. */
const RAISES = 8;

/** What the vendors have shown of their limits, beside those that are configured. */
export interface SeenLimits {
  /** By their own word, per minute. */
  readonly vendorLimits: Learned["vendorLimits"];
  /** Calls per millisecond at which a model refused others. */
  readonly paces: ReadonlyMap<ModelId, number>;
}

export interface LimitShares {
  /** Of the rates: what is let through at the limits is never quite all of them. */
  readonly used: number;
  /** Of what was borne before. */
  readonly pace: number;
}

export function playedModels(
  loads: readonly Load[],
  { models, providers }: Pick<PlannedFleet, "models" | "providers">,
  { seen, shares }: { readonly seen: SeenLimits; readonly shares: LimitShares },
): readonly PlayedModel[] {
  const known = new Map<LimitScope, readonly PlayedLimit[]>();
  const limitsOf = (scope: LimitScope, provider: string) => {
    const found = known.get(scope) ?? toLimits(scope, provider, shares.used);
    known.set(scope, found);
    return found;
  };
  return Array.from(providers.values()).flatMap((provider) => {
    const scopes = providerScopes(provider);
    return loads.flatMap((load): readonly PlayedModel[] => {
      const spec = models.get(load.model);
      if (spec?.provider !== provider.name) return [];
      const own = scopes.of(load.model) ?? [];
      const slots = slotsBySecond(firstSlots(spec), own, load);
      const limits = [...own.flatMap((scope) => limitsOf(scope, provider.name)), ...seenLimits(load.model, seen, shares)];
      const allowed = Math.min(...limits.map((limit) => callsPerMs(limit, load.charge)));
      const perMs = Math.min(allowed, slots.at(-1)! / (load.latencyMs + OVERHEAD_MS));
      return [{ model: load.model, limits, slots, perMs, toldPerMs: toldBySecond(spec, own, load, seen) }];
    });
  });
}

function toLimits(scope: LimitScope, provider: string, usedShare: number): readonly PlayedLimit[] {
  const name = scopeName(scope.name, provider);
  const rates = Array.from(scope.rates, ([dimension, { perMs, burstMs }]): PlayedLimit => {
    // A day's requests go all at once, and all of them.
    const isStock = dimension === "rpd";
    const rate = isStock ? { perMs, burstMs, isStock } : { perMs: perMs * usedShare, burstMs };
    return { name: `${name}: ${dimension}`, rate: { amount: dimension, ...rate } };
  });
  return scope.concurrency === undefined ? rates : [...rates, { name: `${name}: concurrency`, concurrency: scope.concurrency }];
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** What a vendor bears at once is not known: as little as the fleet supposes. */
export const SEEN_BURST_MS = VENDOR_BURST_MS;

function seenLimits(model: ModelId, { vendorLimits, paces }: SeenLimits, { used, pace: paceShare }: LimitShares): readonly PlayedLimit[] {
  const told = (vendorLimits.get(model) ?? []).map(({ dimension, limit }): PlayedLimit => {
    return {
      name: `${model}: ${dimension} (the vendor's)`,
      rate: { amount: dimension, perMs: (used * limit) / MINUTE_MS, burstMs: SEEN_BURST_MS },
    };
  });
  const pace = paces.get(model);
  if (pace === undefined) return told;
  return [...told, { name: `${model}: refusals`, rate: { amount: "rpm", perMs: pace * paceShare, burstMs: SEEN_BURST_MS } }];
}

/** A pool that has just begun knows the model's requests per minute; then all limits, and, where calls wait for others than those, what these let through. */
function toldBySecond({ limits, id }: ModelSpec, scopes: readonly LimitScope[], { charge }: Load, seen: SeenLimits): readonly number[] {
  const first = limits.rpm === undefined ? Number.POSITIVE_INFINITY : limits.rpm / MINUTE_MS;
  const others = seenLimits(id, seen, { used: 1, pace: 1 }).map((limit) => callsPerMs(limit, charge) * PERMIT_MARGIN);
  return [first, Math.min(callsPerSecond({ scopes, charge }) / SECOND_MS, ...others)];
}

/** As the pools reckon it: what has a stock is held by that alone. */
function callsPerMs({ rate }: PlayedLimit, charge: Charge): number {
  const amount = rate ? charge[rate.amount as Dimension] : 0;
  return rate && !rate.isStock && amount > 0 ? rate.perMs / amount : Number.POSITIVE_INFINITY;
}

function scopeName(name: string, provider: string): string {
  if (name.startsWith("+")) return name.slice(1);
  return name.includes("/") ? name : `${provider} (account)`;
}

/** A pool begins with what it supposes of the latency, and follows what it sees: longer calls while they run, shorter ones when they end. */
function slotsBySecond(first: number, scopes: readonly LimitScope[], { charge, latencyMs }: Load): readonly number[] {
  const slots = [first];
  const seconds = Math.ceil((latencyMs + OVERHEAD_MS) / 1_000) + RAISES;
  for (let second = 1; second <= seconds; second++) {
    const ageMs = second * 1_000;
    const seenMs = ageMs > latencyMs ? latencyMs + OVERHEAD_MS : Math.max(ASSUMED_LATENCY_MS, ageMs);
    const facts = { scopes, charge, latencyMs: seenMs, processes: PROCESSES };
    const present = slots.at(-1)!;
    const wanted = Math.min(slotsNeeded(facts), present * MOST_RAISE + RAISE_EXTRA, mostSlots(facts));
    slots.push(Math.max(1, Math.ceil(wanted)));
  }
  return slots;
}

export interface BusiestLimit {
  /** Of the limit, or of a pool's calls at once; empty where there are no calls. */
  readonly name: string;
  readonly busyMs: number;
  readonly isRate: boolean;
  /** How long the stocks are waited for: what is beyond a day's requests, however the other calls go. */
  readonly stockMs: number;
}

/** What takes longest to let everything through, and how long that is. */
export function busiestLimit(loads: readonly Load[], models: readonly PlayedModel[]): BusiestLimit {
  const loadOf = new Map(loads.map((load) => [load.model, load]));
  const busy = new Map<PlayedLimit, number>();
  let busiest: BusiestLimit = { name: "", busyMs: 0, isRate: false, stockMs: 0 };
  for (const { model, limits, slots } of models) {
    const { calls, charge, latencyMs } = loadOf.get(model)!;
    for (const limit of limits) {
      const { rate, concurrency } = limit;
      const added = rate ? (calls * charge[rate.amount as Dimension]) / rate.perMs : (calls * latencyMs) / concurrency!;
      busy.set(limit, (busy.get(limit) ?? (rate ? -rate.burstMs : 0)) + added);
    }
    const busyMs = (calls * latencyMs) / slots.at(-1)!;
    if (busyMs > busiest.busyMs) busiest = { ...busiest, name: `${model}: calls at once`, busyMs, isRate: false };
  }
  // A limit is named also where a pool has no more calls in hand for it.
  for (const [{ name, rate }, busyMs] of busy) {
    const stockMs = Math.max(busiest.stockMs, rate?.isStock ? busyMs : 0);
    busiest = busyMs >= busiest.busyMs * 0.999 ? { name, busyMs, isRate: rate !== undefined, stockMs } : { ...busiest, stockMs };
  }
  return busiest;
}
