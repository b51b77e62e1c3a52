// How many calls of each model a pool process has in hand: as many as the model's rate and latency make, by Little's law (src/limits/slots.ts), measured as they
// pass (slot-meter.ts) and shared with the other processes of the provider. Nothing has to be guessed: a thousand slots where fifty do would only hold jobs.
//
// What a vendor gets is bounded by permits, not by this. It is stable because slots depend on the limits and the latency, and neither on slots: waiting
// for permits is no part of the latency. Where latency does rise with slots, for a vendor or this process is at its end, more of them are not taken
// (next-slots.ts, raise-check.ts).

import { performance } from "node:perf_hooks";
import type { ProviderSpec } from "../src/job/model.ts";
import type { ModelId } from "../src/job/names.ts";
import { chargingPolicy } from "../src/limits/charging.ts";
import type { Limiter } from "../src/limits/limiter.ts";
import { providerScopes } from "../src/limits/scopes.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { Peers } from "../queues/fleet-registry.ts";
import { FREE_SLOTS, UNMEASURED, callsPerSecond, mostSlots, slotsFor, slotsNeeded } from "../src/limits/slots.ts";
import { nextSlots } from "./next-slots.ts";
import { createRaiseCheck } from "./raise-check.ts";
import { createSlotMeter, type SlotReading } from "./slot-meter.ts";

const UPDATE_MS = 1_000;
/** Processes don't get equal shares of the permits. */
const PERMIT_MARGIN = 1.5;
/** Of the time the event loop could have waited, it had to work. */
const BUSY_SHARE = 0.9;

export interface PoolConcurrency {
  /** The model's slots at this moment. */
  slots(model: ModelId): number;
  /** Runs a job in a slot of the model. Its calls go through the limiter it is given. */
  occupy<Result>(model: ModelId, work: (limiter: Limiter) => Promise<Result>): Promise<Result>;
  /** Nothing changes any more, and this process's share goes to the others. */
  stop(): Promise<void>;
}

export function createPoolConcurrency(options: {
  readonly provider: ProviderSpec;
  readonly limiter: Limiter;
  readonly peers: Peers;
  readonly clock: Clock;
  /** Called when a model's slots change. */
  readonly onChange: (model: ModelId, slots: number) => void;
  readonly isBusy?: () => boolean;
}): PoolConcurrency {
  const { provider, limiter, peers, clock, onChange, isBusy = createBusyGauge() } = options;
  const policy = chargingPolicy(provider);
  const allScopes = providerScopes(provider);
  const stopping = new AbortController();

  const models = new Map(
    provider.models.map(({ id }) => {
      const scopes = allScopes.of(id) ?? [];
      const processes = peers.takers(id);
      const first = Math.min(FREE_SLOTS, slotsFor({ scopes, ...UNMEASURED, processes }));
      peers.tell(id, { slots: first });
      return [id, { scopes, meter: createSlotMeter({ clock, limiter, policy }), check: createRaiseCheck(), wanted: first, slots: first }];
    }),
  );
  const modelOf = (id: ModelId) => {
    const found = models.get(id);
    if (!found) throw new Error(`${provider.name} has no model "${id}"`);
    return found;
  };

  const update = () => {
    const busy = isBusy();
    for (const [id, model] of models) {
      const reading = model.meter.read();
      const facts = { scopes: model.scopes, charge: reading.charge, latencyMs: reading.latencyMs, processes: peers.takers(id) };
      const wanted = nextSlots(model.wanted, { needed: slotsNeeded(facts), reading, isBusy: busy });
      model.wanted = model.check.allow(model.wanted, wanted, { ...reading, now: clock.now() });
      const slots = Math.max(1, Math.min(Math.ceil(model.wanted), mostSlots(facts)));
      if (slots !== model.slots) onChange(id, slots);
      model.slots = slots;
      const rate = Math.min(callsPerSecond(facts), permittedPerSecond(reading, facts.processes));
      peers.tell(id, { slots, ...(Number.isFinite(rate) ? { callsPerSecond: rate } : {}) });
    }
  };
  const running = (async () => {
    for (;;) {
      await clock.sleep(UPDATE_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      update();
    }
  })();

  return {
    slots: (id) => modelOf(id).slots,
    async occupy(id, work) {
      const slot = modelOf(id).meter.occupy();
      try {
        return await work(slot.limiter);
      } finally {
        slot.leave();
      }
    },
    async stop() {
      stopping.abort();
      await running;
      for (const id of models.keys()) peers.tell(id, undefined);
    },
  };
}

/**
 * What the whole fleet is permitted, as far as this process can tell: where slots wait for permits, the limits at work are those that let these through, and may be
 * lower than the configured ones (the vendor's own, a pace, somebody else on the key).
 */
function permittedPerSecond({ waiting, permitsPerSecond }: SlotReading, processes: number): number {
  return waiting >= 1 ? Math.max(1, permitsPerSecond * processes * PERMIT_MARGIN) : Number.POSITIVE_INFINITY;
}

/** Whether this process was out of CPU since it was asked last. */
function createBusyGauge(): () => boolean {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization > BUSY_SHARE;
  };
}
