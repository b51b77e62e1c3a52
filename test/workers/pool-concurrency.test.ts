import { afterEach, describe, expect, it } from "vitest";
import type { Capacity, Peers } from "../../queues/fleet-registry.ts";
import type { Limits, ProviderSpec } from "../../src/job/model.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { Limiter } from "../../src/limits/limiter.ts";
import { createPoolConcurrency, type PoolConcurrency } from "../../workers/pool-concurrency.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

const MODEL = "alpha/one";
const PATIENCE_MS = 2_000;

interface Vendor {
  /** What a call takes, given how many are in flight. */
  latencyMs: (inFlight: number) => number;
  /** What a call turns out to use; it is estimated at half of that. */
  tokens: number;
  /** Calls per second that permits are granted for, whatever the configuration says. */
  perSecond: number;
}

function providerOf(limits: Limits, of: { account?: Limits; kind?: ProviderSpec["kind"] } = {}): ProviderSpec {
  const capabilities = { jsonSchema: true, images: true, tools: true };
  return {
    name: "alpha",
    kind: of.kind ?? "anthropic",
    apiKey: "",
    limits: of.account ?? {},
    models: [
      {
        id: MODEL,
        provider: "alpha",
        name: "one",
        tier: "fast",
        limits,
        contextWindow: 100_000,
        maxOutputTokens: 4_000,
        capabilities,
        barredFor: {},
      },
    ],
  };
}

/** Permits at an even pace, first come, first served, for all processes; as patient as the pool. */
function createPacer(clock: ManualClock, vendor: Vendor): Limiter {
  let nextAt = 0;
  return {
    async acquire() {
      const at = Math.max(nextAt, clock.now() - 250);
      if (at - clock.now() > PATIENCE_MS) return { kind: "wait", waitMs: at - clock.now(), isShut: false, reason: "the rate" };
      nextAt = at + 1_000 / vendor.perSecond;
      await clock.sleep(at - clock.now());
      return { kind: "granted", permit: "p" };
    },
    settle: () => Promise.resolve(),
    release: () => Promise.resolve(),
    reclaim: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  };
}

const fleets: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of fleets.splice(0)) await each.stop();
});

/** Pool processes before an endless queue. They hear of each other at once. */
function startPools(
  limits: Limits | ProviderSpec,
  options: Partial<Vendor> & { readonly processes?: number; readonly isBusy?: () => boolean; readonly jobs?: number },
) {
  const provider = "models" in limits ? limits : providerOf(limits);
  const { processes = 1, isBusy = () => false, jobs = Number.POSITIVE_INFINITY, ...vendorOptions } = options;
  const vendor: Vendor = { latencyMs: steady(200), tokens: 100, perSecond: Number.POSITIVE_INFINITY, ...vendorOptions };
  const clock = createManualClock();
  const limiter = createPacer(clock, vendor);
  const told = new Map<number, Capacity>();
  let calls = 0;
  let inFlight = 0;
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
      const request = {
        call: "",
        model: MODEL,
        inputTokens: vendor.tokens / 2,
        inputCharacters: 0,
        outputTokens: 0,
        leaseMs: 60_000,
      } as const;
      const reply = await metered.acquire(request, { patienceMs: PATIENCE_MS, signal: new AbortController().signal });
      if (reply.kind === "wait") return clock.sleep(50);
      calls++;
      inFlight++;
      await clock.sleep(vendor.latencyMs(inFlight));
      inFlight--;
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
    return { slots: () => concurrency.slots(MODEL), changes, kill };
  };
  const pools = Array.from({ length: processes }, (_, index) => startPool(index));
  return {
    vendor,
    told,
    pools,
    /** Slots of all processes. */
    slots: () => Array.from(told.values(), (each) => each.slots).reduce((sum, slots) => sum + slots, 0),
    /** Lets time pass; answers with the calls made per second. */
    async seconds(count: number) {
      const before = calls;
      for (let i = 0; i < count; i++) await clock.advance(1_000);
      return (calls - before) / count;
    },
  };
}

const steady = (ms: number) => () => ms;
/** Log-normal, as vendors' latencies are: half of the calls take less than nine tenths of the mean, one in twenty more than twice. */
const noisy = (ms: number) => () => ms * Math.exp(0.5 * gaussian() - 0.125);
let seed = 1;
function random(): number {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed / 2_147_483_647;
}
const gaussian = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());

describe("a pool's slots", () => {
  it("settle at the calls in flight and a few more, whatever was assumed at first, and the rate is used", async () => {
    const fleet = startPools({ rpm: 600 }, { perSecond: 10, latencyMs: steady(200) });
    expect(fleet.slots()).toBeGreaterThan(30);
    await fleet.seconds(6);
    expect(fleet.slots()).toBeLessThanOrEqual(14);
    expect(await fleet.seconds(20)).toBe(10);
    expect(fleet.slots()).toBeGreaterThanOrEqual(10);
  });

  it("reach what slow calls need while the first of them still run, and hardly a permit is missed", async () => {
    const fleet = startPools({ rpm: 600 }, { perSecond: 10, latencyMs: steady(10_000) });
    expect(await fleet.seconds(12)).toBeGreaterThan(8.5);
    await fleet.seconds(10);
    expect(await fleet.seconds(20)).toBeCloseTo(10, 0);
    expect(fleet.slots()).toBeGreaterThan(100);
    expect(fleet.slots()).toBeLessThan(135);
  });

  it("follow a tenfold latency within three updates, and back within fifteen", async () => {
    const fleet = startPools({ rpm: 600 }, { perSecond: 10, latencyMs: steady(200) });
    await fleet.seconds(10);
    fleet.vendor.latencyMs = steady(2_000);
    await fleet.seconds(3);
    expect(fleet.slots()).toBeGreaterThan(24);
    await fleet.seconds(5);
    expect(await fleet.seconds(10)).toBeCloseTo(10, 0);
    expect(fleet.slots()).toBeLessThan(42);
    fleet.vendor.latencyMs = steady(200);
    await fleet.seconds(15);
    expect(fleet.slots()).toBeLessThanOrEqual(16);
    expect(await fleet.seconds(10)).toBe(10);
  });

  it.each([
    [300, 12_000],
    [3_000, 1_000],
    [6_000, 50],
  ])("don't flutter with the noise of latencies: %i rpm at %i ms", async (rpm, latencyMs) => {
    const fleet = startPools({ rpm }, { perSecond: rpm / 60, latencyMs: noisy(latencyMs) });
    await fleet.seconds(40);
    const [pool] = fleet.pools;
    pool!.changes.length = 0;
    expect(await fleet.seconds(100)).toBeGreaterThan((rpm / 60) * 0.98);
    expect(pool!.changes.length).toBeLessThanOrEqual(8);
  });

  it("go by tokens where those are the tighter limit, as they are really charged", async () => {
    const fleet = startPools({ rpm: 6_000, itpm: 60_000 }, { perSecond: 1, tokens: 1_000, latencyMs: steady(2_000) });
    expect(fleet.slots()).toBe(256);
    await fleet.seconds(12);
    // One call a second: two in flight, the spread, and two that wait.
    expect(fleet.slots()).toBeLessThanOrEqual(9);
    // Calls under way still count as they were estimated.
    expect(fleet.told.get(0)?.callsPerSecond).toBeLessThan(1.2);
    expect(await fleet.seconds(20)).toBeCloseTo(1, 1);
  });

  it("go by the tightest limit of model and account", async () => {
    const fleet = startPools(providerOf({ rpm: 6_000 }, { account: { rpm: 600 } }), { perSecond: 10, latencyMs: steady(200) });
    await fleet.seconds(8);
    expect(fleet.slots()).toBeLessThanOrEqual(14);
  });

  it("are shared by the processes, and those of one that died are taken over", async () => {
    const alone = startPools({ rpm: 6_000 }, { perSecond: 100, latencyMs: steady(1_000) });
    await alone.seconds(20);
    const fleet = startPools({ rpm: 6_000 }, { perSecond: 100, latencyMs: steady(1_000), processes: 2 });
    await fleet.seconds(20);
    const shares = fleet.pools.map((pool) => pool.slots());
    for (const share of shares) expect(share).toBeLessThan(alone.slots() * 0.75);
    await fleet.pools[0]!.kill();
    await fleet.seconds(10);
    expect(fleet.slots()).toBeGreaterThan(110);
    expect(await fleet.seconds(10)).toBeGreaterThan(98);
  });

  it("of all processes together keep to the limit on concurrent calls, but for the rounding", async () => {
    const fleet = startPools({ rpm: 6_000, concurrency: 10 }, { latencyMs: steady(500), processes: 3 });
    expect(fleet.pools[2]!.slots()).toBe(4);
    await fleet.seconds(10);
    expect(fleet.pools.map((pool) => pool.slots())).toEqual([4, 4, 4]);
    await fleet.pools[0]!.kill();
    await fleet.seconds(3);
    expect(fleet.slots()).toBe(10);
    await fleet.pools[1]!.kill();
    await fleet.seconds(5);
    expect(fleet.slots()).toBe(10);
  });

  it("are never none, however many processes share one concurrent call", async () => {
    const fleet = startPools({ concurrency: 1 }, { processes: 3 });
    await fleet.seconds(5);
    expect(fleet.pools.map((pool) => pool.slots())).toEqual([1, 1, 1]);
  });

  it("are a fixed number where nothing is limited, and all that is allowed where only concurrent calls are", async () => {
    const free = startPools({}, {});
    const capped = startPools({ concurrency: 100 }, {});
    await Promise.all([free.seconds(5), capped.seconds(5)]);
    expect(free.slots()).toBe(64);
    expect(free.told.get(0)).toEqual({ slots: 64 });
    expect(capped.slots()).toBe(100);
  });

  it("come down to what is of use where another limit than the configured one is at work", async () => {
    const fleet = startPools({ rpm: 6_000 }, { perSecond: 5, latencyMs: steady(2_000) });
    await fleet.seconds(15);
    // Ten in flight; those that wait are granted theirs within their patience.
    expect(fleet.slots()).toBeLessThanOrEqual(25);
    expect(await fleet.seconds(10)).toBe(5);
    fleet.vendor.perSecond = 100;
    await fleet.seconds(10);
    expect(await fleet.seconds(10)).toBeGreaterThan(95);
  });

  it("don't run away with a vendor that takes longer the more it is asked", async () => {
    const fleet = startPools({ rpm: 60_000 }, { latencyMs: (inFlight) => inFlight * 10 });
    const slots: number[] = [];
    for (let i = 0; i < 60; i++) {
      await fleet.seconds(1);
      slots.push(fleet.slots());
    }
    expect(Math.max(...slots)).toBeLessThan(600);
    expect(slots.filter((each) => each > 256).length).toBeLessThan(15);
  });

  it("go on beyond a few hundred where that does bring more calls", async () => {
    const fleet = startPools({ rpm: 12_000 }, { perSecond: 200, latencyMs: steady(3_000) });
    await fleet.seconds(20);
    expect(fleet.slots()).toBeGreaterThan(600);
    expect(await fleet.seconds(5)).toBeGreaterThan(198);
  });

  it("don't become more while this process is out of CPU, nor while they aren't all taken", async () => {
    let isBusy = true;
    const busy = startPools({ rpm: 600 }, { perSecond: 10, latencyMs: steady(200), isBusy: () => isBusy });
    await busy.seconds(10);
    const before = busy.slots();
    busy.vendor.latencyMs = steady(2_000);
    await busy.seconds(5);
    expect(busy.slots()).toBe(before);
    isBusy = false;
    await busy.seconds(5);
    expect(busy.slots()).toBeGreaterThan(before * 1.5);

    const idle = startPools({ rpm: 6_000 }, { perSecond: 100, latencyMs: steady(200), processes: 2, jobs: 800 });
    await idle.seconds(10);
    const share = idle.pools[1]!.slots();
    await idle.pools[0]!.kill();
    await idle.seconds(10);
    expect(idle.slots()).toBe(share);
  });

  it("stay as they are while there is nothing to do, and are told no more once the pool stops", async () => {
    const fleet = startPools({ rpm: 600 }, { perSecond: 10, latencyMs: steady(200), jobs: 200 });
    await fleet.seconds(15);
    const before = fleet.slots();
    await fleet.seconds(60);
    expect(fleet.slots()).toBe(before);
    expect(fleet.told.get(0)).toEqual({ slots: before, callsPerSecond: 10 });
    await fleet.pools[0]!.kill();
    expect(fleet.told.size).toBe(0);
  });
});
