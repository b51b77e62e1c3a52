import { afterEach, describe, expect, it } from "vitest";
import type { Capacity, Peers } from "../../queues/fleet-registry.ts";
import type { Limits, ProviderSpec } from "../../src/job/model.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { Limiter } from "../../src/limits/limiter.ts";
import { createPoolConcurrency, firstSlots, type PoolConcurrency } from "../../workers/pool-concurrency.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

const MODEL = "alpha/one";
const PATIENCE_MS = 2_000;

interface Vendor {
  /** What a call takes, in milliseconds. */
  latencyMs: () => number;
  tokens: number;
  /** Calls per second that permits are granted for, whatever the configuration says. */
  perSecond: number;
}

function providerOf(limits: Limits, of: { account?: Limits; kind?: ProviderSpec["kind"] } = {}): ProviderSpec {
  const capabilities = { jsonSchema: true };
  return {
    name: "alpha",
    kind: of.kind ?? "anthropic",
    apiKey: "",
    limits: of.account ?? {},
    models: [{ id: MODEL, provider: "alpha", name: "one", tier: "fast", limits, contextWindow: 100_000, maxOutputTokens: 4_000, capabilities }],
  };
}

/** Permits at an even pace, first come, first served, for all processes; as patient as the pool. */
function createPacer(clock: ManualClock, vendor: Vendor): Limiter {
  let nextAt = 0;
  return {
    async acquire() {
      const at = Math.max(nextAt, clock.now() - 250);
      if (at - clock.now() > PATIENCE_MS) return { kind: "wait", waitMs: at - clock.now(), reason: "the rate" };
      nextAt = at + 1_000 / vendor.perSecond;
      await clock.sleep(at - clock.now());
      return { kind: "granted" };
    },
    settle: () => Promise.resolve(),
    release: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

const fleets: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of fleets.splice(0)) await each.stop();
});

/** Pool processes with an endless queue before them. Nobody hears of a process that starts or dies before `hearsAfterMs`. */
function startPools(provider: ProviderSpec, vendor: Vendor, { processes = 1, isBusy = () => false, jobs = Number.POSITIVE_INFINITY } = {}) {
  const clock = createManualClock();
  const limiter = createPacer(clock, vendor);
  const told = new Map<number, Capacity>();
  let calls = 0;
  let left = jobs;
  const startPool = (index: number) => {
    const peers: Peers = {
      takers: () => new Set([...told.keys(), index]).size,
      capacity: () => undefined,
      tell: (_, capacity) => void (capacity ? told.set(index, capacity) : told.delete(index)),
    };
    const changes: number[] = [];
    let running = 0;
    let isAlive = true;
    const fill = () => {
      while (isAlive && running < concurrency.slots(MODEL) && left > 0) {
        left--;
        running++;
        void concurrency.occupy(MODEL, takeJob).then(() => {
          running--;
          fill();
        });
      }
    };
    const takeJob = async (metered: Limiter) => {
      await clock.sleep(2); // the claim
      const request = { call: "", model: MODEL, inputTokens: vendor.tokens, inputCharacters: 0, outputTokens: 0, leaseMs: 60_000 } as const;
      const reply = await metered.acquire(request, { patienceMs: PATIENCE_MS, signal: new AbortController().signal });
      if (reply.kind === "wait") return clock.sleep(50);
      calls++;
      await clock.sleep(vendor.latencyMs());
      await metered.settle({ call: "", model: MODEL, ending: "answered", usage: { ...NO_USAGE, inputTokens: vendor.tokens } });
    };
    const concurrency: PoolConcurrency = createPoolConcurrency({
      provider,
      limiter,
      peers,
      clock,
      isBusy,
      onChange(_, slots) {
        changes.push(slots);
        setImmediate(fill);
      },
    });
    fill();
    const kill = async () => {
      isAlive = false;
      told.delete(index);
      await concurrency.stop();
    };
    fleets.push({ stop: kill });
    return { slots: () => concurrency.slots(MODEL), running: () => running, changes, kill, concurrency };
  };
  return {
    clock,
    told,
    pools: Array.from({ length: processes }, (_, index) => startPool(index)),
    async seconds(count: number) {
      for (let i = 0; i < count; i++) await clock.advance(1_000);
    },
    /** Calls made while it runs. */
    async callsDuring(seconds: number) {
      const before = calls;
      for (let i = 0; i < seconds; i++) await clock.advance(1_000);
      return calls - before;
    },
    add(more: number) {
      left += more;
    },
  };
}

const steady = (ms: number) => () => ms;
const noisy = (ms: number) => () => ms * Math.exp(0.5 * gaussian() - 0.125);
let seed = 1;
function random(): number {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed / 2_147_483_647;
}
const gaussian = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());

describe("explore", () => {
  it.each([
    ["600rpm .2", { rpm: 600 }, 10, steady(200)],
    ["600rpm 2", { rpm: 600 }, 10, steady(2000)],
    ["600rpm 10 noisy", { rpm: 600 }, 10, noisy(10000)],
    ["6000rpm 1 noisy", { rpm: 6000 }, 100, noisy(1000)],
    ["6000rpm 0.05", { rpm: 6000 }, 100, noisy(50)],
    ["60rpm 20", { rpm: 60 }, 1, noisy(20000)],
    ["6rpm 5", { rpm: 6 }, .1, noisy(5000)],
    ["6000rpm but pace 5, 2 s", { rpm: 6000 }, 5, noisy(2000)],
  ] as const)("%s", async (name, limits, perSecond, latencyMs) => {
    const vendor: Vendor = { latencyMs, tokens: 100, perSecond };
    const fleet = startPools(providerOf(limits), vendor);
    const series: string[] = [];
    for (let i = 0; i < 40; i++) {
      const calls = await fleet.callsDuring(1);
      series.push(`${fleet.pools[0]!.slots()}:${calls}`);
    }
    vendor.latencyMs = () => latencyMs() * 10;
    series.push("|x10|");
    for (let i = 0; i < 40; i++) {
      const calls = await fleet.callsDuring(1);
      series.push(`${fleet.pools[0]!.slots()}:${calls}`);
    }
    vendor.latencyMs = latencyMs;
    series.push("|/10|");
    for (let i = 0; i < 40; i++) {
      const calls = await fleet.callsDuring(1);
      series.push(`${fleet.pools[0]!.slots()}:${calls}`);
    }
    console.log(name, firstSlots({ limits }), series.join(" "));
  });
});
