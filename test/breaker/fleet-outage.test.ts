// Four processes at full load, simulated: what an outage costs, and what doubts cost where there is none.

import { describe, expect, it } from "vitest";
import { createBoardBreaker } from "../../src/breaker/board-breaker.ts";
import type { Breaker } from "../../src/breaker/breaker.ts";
import { DEFAULT_BREAKER_SETTINGS, type BreakerSettings } from "../../src/breaker/breaker-machine.ts";
import { createMemoryBoard } from "../../src/breaker/memory-board.ts";
import { modelId, type ModelId } from "../../src/job/names.ts";
import { createRandom } from "../../src/runtime/seeded-random.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { slowBoard } from "./slow-board.ts";

const PROCESSES = 4;
const CALLS_PER_SECOND = 125;
/** What the outage may cost each process, beside the calls in flight. */
const WASTE_PER_PROCESS = 10;

interface Vendor {
  readonly latencyMs: number;
  /** The calls that fail while it is down: those it has to end, or only those begun after it went down. */
  readonly fails: "all" | "new";
  readonly failsAfterMs: () => number;
  readonly isWide: boolean;
  isDown: boolean;
  /** A share of the calls fails while it is up. */
  readonly ordinaryFailures: { readonly share: number; readonly afterMs: number; readonly random: () => number };
}

const NONE_ORDINARY = { share: 0, afterMs: 0, random: () => 1 };

interface Fleet {
  readonly breakers: readonly Breaker[];
  readonly clock: ManualClock;
  /** Calls begun after the vendor went down. */
  readonly wasted: () => number;
  readonly call: (breaker: Breaker, model: ModelId) => Promise<void>;
}

function startFleet(vendor: Vendor, { models, boardMs }: { models: readonly ModelId[]; boardMs: number }): Fleet {
  const clock = createManualClock({ turns: 3 });
  const settings = DEFAULT_BREAKER_SETTINGS;
  const board = slowBoard(createMemoryBoard({ clock, settings }), { clock, nextMs: () => boardMs / 2 });
  const breakers = Array.from({ length: PROCESSES }, () => createBoardBreaker({ board, clock, models, refreshMs: 250, settings }));
  let wasted = 0;
  return {
    breakers,
    clock,
    wasted: () => wasted,
    async call(breaker, model) {
      const admission = await breaker.admit(model);
      if (admission.kind === "blocked") return;
      const isLate = vendor.isDown;
      if (isLate) wasted++;
      const startedAt = clock.now();
      const { share, afterMs, random } = vendor.ordinaryFailures;
      const isUnlucky = !isLate && random() < share;
      await clock.sleep(isLate ? vendor.failsAfterMs() : isUnlucky ? afterMs : vendor.latencyMs);
      const isFailed = isUnlucky || (vendor.isDown && (isLate || vendor.fails === "all"));
      breaker.report(model, {
        ending: isFailed ? "failed" : "ok",
        startedAt,
        ...(isFailed && vendor.isWide ? { isWide: true } : {}),
        ...(admission.kind === "probe" ? { probe: admission.probe } : {}),
      });
    },
  };
}

const ONE_MODEL = [modelId("p", "m")];
const FIVE_MODELS = ["a", "b", "c", "d", "e"].map((name) => modelId("p", name));

describe("an outage under full load", () => {
  const cases = [
    {
      name: "refused connections, those that were open reset",
      fails: "all",
      failsAfterMs: () => 1,
      isWide: true,
      boardMs: 2,
      models: FIVE_MODELS,
    },
    {
      name: "refused connections, those that were open answered",
      fails: "new",
      failsAfterMs: () => 1,
      isWide: true,
      boardMs: 2,
      models: FIVE_MODELS,
    },
    { name: "one model's errors", fails: "all", failsAfterMs: () => 5, isWide: false, boardMs: 2, models: ONE_MODEL },
    {
      name: "one model's errors, what it had begun answered",
      fails: "new",
      failsAfterMs: () => 5,
      isWide: false,
      boardMs: 2,
      models: ONE_MODEL,
    },
    { name: "one model's errors, Redis far away", fails: "all", failsAfterMs: () => 5, isWide: false, boardMs: 40, models: ONE_MODEL },
  ] as const;
  for (const { name, models, boardMs, ...fault } of cases) {
    it(`wastes no more than ten calls a process beside those in flight: ${name}`, async () => {
      const vendor: Vendor = { ...fault, latencyMs: 100, isDown: false, ordinaryFailures: NONE_ORDINARY };
      const { breakers, clock, wasted, call } = startFleet(vendor, { models, boardMs });
      const second = async () => {
        for (let i = 0; i < CALLS_PER_SECOND; i++) {
          for (const breaker of breakers) void call(breaker, models[i % models.length] as ModelId);
          await clock.advance(1_000 / CALLS_PER_SECOND);
        }
      };
      await second();
      vendor.isDown = true;
      await second();
      expect(wasted()).toBeGreaterThan(0);
      expect(wasted()).toBeLessThanOrEqual(PROCESSES * WASTE_PER_PROCESS);
      for (const breaker of breakers) expect(models.map((model) => breaker.state(model).kind)).not.toContain("closed");
    });
  }

  const FAILURES = [
    { how: "at once", inFlightMs: 1, next: () => 1 },
    { how: "after 200 ms", inFlightMs: 200, next: () => 200 },
    // By when they are noticed is a matter of luck; what they cost beside those in flight, too.
    { how: "after 150 to 250 ms", inFlightMs: 500, next: (random: number) => 150 + 100 * random },
    { how: "at once or after 200 ms", inFlightMs: 1_000, next: (random: number) => (random < 0.5 ? 1 : 200) },
  ];
  for (const { how, inFlightMs, next } of FAILURES) {
    for (const latencyMs of [200, 1_000, 3_000, 10_000]) {
      for (const share of [0, 0.05, 0.2]) {
        it(`is noticed though calls begun before are answered for another ${latencyMs} ms: failures ${how}, ${100 * share} % of calls failing anyhow`, async () => {
          const random = createRandom(20_261_103);
          const ordinaryFailures = { share, afterMs: 50, random };
          const vendor: Vendor = {
            latencyMs,
            fails: "new",
            failsAfterMs: () => next(random()),
            isWide: false,
            isDown: false,
            ordinaryFailures,
          };
          const { breakers, clock, wasted, call } = startFleet(vendor, { models: ONE_MODEL, boardMs: 2 });
          const until = async (isOver: () => boolean) => {
            while (!isOver()) {
              for (const breaker of breakers) void call(breaker, "p/m");
              await clock.advance(1_000 / CALLS_PER_SECOND);
            }
          };
          const isClosed = (breaker: Breaker) => breaker.state("p/m").kind === "closed";
          const downAt = clock.now() + latencyMs + 500;
          await until(() => clock.now() >= downAt);
          expect(breakers.every(isClosed)).toBe(true);
          vendor.isDown = true;
          await until(() => clock.now() > downAt + 2_000 || !breakers.some(isClosed));
          expect(breakers.some(isClosed)).toBe(false);
          const failingInFlight = (inFlightMs * CALLS_PER_SECOND) / 1_000;
          expect(wasted()).toBeLessThanOrEqual(PROCESSES * (WASTE_PER_PROCESS + failingInFlight));
        });
      }
    }
  }

  it("lets no crowd of waiting calls out when the first doubt is answered", async () => {
    const vendor: Vendor = {
      latencyMs: 100,
      fails: "new",
      failsAfterMs: () => 5,
      isWide: false,
      isDown: true,
      ordinaryFailures: NONE_ORDINARY,
    };
    const { breakers, clock, wasted, call } = startFleet(vendor, { models: ONE_MODEL, boardMs: 2 });
    const [alone] = breakers as [Breaker, ...Breaker[]];
    for (let i = 0; i < 3; i++) alone.report("p/m", { ending: "failed" });
    for (let i = 0; i < 1_000; i++) void call(alone, "p/m");
    await clock.advance(500);
    expect(wasted()).toBeLessThanOrEqual(WASTE_PER_PROCESS);
    expect(breakers.map((breaker) => breaker.state("p/m").kind)).toEqual(breakers.map(() => "open"));
  });

  it("is over for every process soon after the vendor is back", async () => {
    const vendor: Vendor = {
      latencyMs: 100,
      fails: "new",
      failsAfterMs: () => 5,
      isWide: true,
      isDown: true,
      ordinaryFailures: NONE_ORDINARY,
    };
    const { breakers, clock, call } = startFleet(vendor, { models: ONE_MODEL, boardMs: 2 });
    const tick = async () => {
      for (const breaker of breakers) void call(breaker, "p/m");
      await clock.advance(50);
    };
    for (let i = 0; i < 20; i++) await tick();
    expect(breakers.map((breaker) => breaker.state("p/m").kind)).toEqual(breakers.map(() => "open"));
    vendor.isDown = false;
    const before = clock.now();
    while (breakers.some((breaker) => breaker.state("p/m").kind !== "closed")) await tick();
    expect(clock.now() - before).toBeLessThan(DEFAULT_BREAKER_SETTINGS.openMs + 1_000);
  });
});

describe("a vendor at which three calls in ten fail", () => {
  /** Calls that 50 slots in each of four processes get through within a time. */
  async function throughput(changes: Partial<BreakerSettings>): Promise<number> {
    const clock = createManualClock();
    const settings = { ...DEFAULT_BREAKER_SETTINGS, ...changes };
    const board = slowBoard(createMemoryBoard({ clock, settings }), { clock, nextMs: () => 1 });
    const random = createRandom(7);
    let calls = 0;
    for (let process = 0; process < PROCESSES; process++) {
      const breaker = createBoardBreaker({ board, clock, models: ONE_MODEL, refreshMs: 250, settings });
      for (let slot = 0; slot < 50; slot++) {
        void (async () => {
          for (;;) {
            const admission = await breaker.admit("p/m");
            expect(admission.kind).toBe("call");
            await clock.sleep(300 + 200 * random());
            breaker.report("p/m", { ending: random() < 0.3 ? "failed" : "ok" });
            calls++;
          }
        })();
      }
    }
    await clock.advance(10_000);
    return calls;
  }

  it("is not slowed by doubts", async () => {
    const doubtless = await throughput({ doubtfulFailures: Number.POSITIVE_INFINITY });
    expect(await throughput({})).toBeGreaterThan(0.98 * doubtless);
  });
});
