// A vendor that asks for patience: waiting uses no attempt, its model is left alone for as long as it says and no longer, and other models go on.
// All cases share one fleet, run side by side, and are judged by the simulator's ledger.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallRecord } from "../../src/simulator/simulator-ledger.ts";
import { pause, until } from "../support/fleet.ts";
import { answersBy, BACKUP, outcomesAt, startVendorFleet, type VendorCase, type VendorFleet } from "../support/vendor-fleet.ts";

const KINDS = ["openai", "anthropic"] as const;
const RPM = 6_000;
const PER_SECOND = RPM / 60;
/** What may go at once: half a second's worth, unless configured otherwise. */
const BURST = PER_SECOND / 2;
const RETRY_AFTER_MS = 1_000;
const STORM_MS = 6_000;
const PARK_MS = 5_000;
/** Calls a second that a vendor takes which doesn't tell. */
const HIDDEN_PER_SECOND = 20;

const configured = { limits: { rpm: RPM } };
const limited = { simulated: { limits: { rpm: RPM } }, configured };
/** One attempt: a job that had used it would be excluded from its only model, and end. */
const task = { route: { models: ["one"] }, attempts: 1 };
const otherTask = { route: { models: ["two"] } };

let vendors: VendorFleet;
beforeAll(async () => {
  vendors = await startVendorFleet(
    {
      ...Object.fromEntries(
        KINDS.map((kind): [string, VendorCase] => [
          `storm-${kind}`,
          { kind, models: { one: limited, two: limited }, task, tasks: { [`calm-${kind}`]: otherTask } },
        ]),
      ),
      // Without limits of its own the simulator sends no headers that tell them.
      terse: { kind: "openai", models: { one: { configured } }, task },
      silent: { kind: "openai-compatible", models: { one: { configured } }, task },
      slower: { kind: "openai", models: { one: { simulated: { limits: { rpm: 10 * RPM } }, configured } }, task },
      hidden: { kind: "openai-compatible", models: { one: { simulated: { limits: { rpm: HIDDEN_PER_SECOND * 60 } } } }, task },
      crowded: {
        kind: "openai-compatible",
        latencyMs: 200,
        models: { one: { simulated: { limits: { concurrency: HIDDEN_PER_SECOND / 5 } } } },
        task,
      },
      scarce: {
        kind: "openai",
        models: { one: { simulated: { limits: { rpm: 4 } }, configured: { limits: { rpm: 4 } } } },
        task: { ...task, route: { models: ["one"], fallback: [BACKUP] } },
      },
      parked: { kind: "openai", models: { one: limited, two: limited }, task, tasks: { "parked-other": otherTask } },
    },
    { callLog: true },
  );
  // A second process that takes its calls.
  await vendors.fleet.start("pool", "parked");
});
afterAll(() => vendors?.stop());

/** Answers per second at the case's vendor, from now on for so long. */
async function rateOver(name: string, ms: number): Promise<number> {
  const before = { at: Date.now(), answered: vendors.seen(name).answered };
  await pause(ms);
  return ((vendors.seen(name).answered - before.answered) * 1_000) / (Date.now() - before.at);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Calls of model `one` that weren't answered. */
function refusedCalls(name: string): readonly CallRecord[] {
  const calls = vendors.fleet.simulator.ledger().calls ?? [];
  return calls.filter((call) => call.vendor === name && call.model === "one" && call.ending !== "answered");
}

describe.concurrent("a vendor that tells nothing of its limits", () => {
  for (const [name, limit] of [
    ["hidden", "calls per minute"],
    ["crowded", "calls at once"],
  ] as const) {
    it(
      `is found out (${limit}): the rate settles near what it takes, with few refusals, and comes back after a storm`,
      {
        timeout: 120_000,
      },
      async () => {
        await vendors.send(name, 1_500);
        await until("it to be learned", () => vendors.seen(name).answered >= 100);
        const learned = vendors.seen(name);
        const rates = [await rateOver(name, 3_000), await rateOver(name, 3_000), await rateOver(name, 3_000)];
        const settled = vendors.seen(name);
        // Where calls at once are limited, what the vendor takes falls with every millisecond that a busy machine adds to a call: more than one at a time is sure.
        const [least, usual] = limit === "calls per minute" ? [0.3, 0.5] : [0.125, 0.25];
        expect(Math.min(...rates) / HIDDEN_PER_SECOND).toBeGreaterThan(least);
        expect(mean(rates) / HIDDEN_PER_SECOND).toBeGreaterThan(usual);
        expect((settled.refused429 - learned.refused429) / (settled.calls - learned.calls)).toBeLessThanOrEqual(0.05);
        vendors.setFault(name, { fault: "no-retry-after", forMs: 2_000 });
        await pause(2_000);
        await until("its rate to come back", async () => (await rateOver(name, 2_000)) > 0.5 * mean(rates), 30_000);
        expect(await vendors.breaker(`${name}/one`)).toEqual({ kind: "closed" });
        expect(await vendors.status(name)).toMatchObject({ failed: 0, rerouted: 0 });
      },
    );
  }
});

describe.concurrent("a storm of 429s", () => {
  for (const kind of KINDS) {
    it(
      `with retry-after (${kind}): uses no attempt and costs a burst of calls per wait, the other model goes on, and all is answered`,
      {
        timeout: 60_000,
      },
      async () => {
        const name = `storm-${kind}`;
        const [rows, calmRows] = [300, 200];
        const endsAt = Date.now() + STORM_MS;
        vendors.setFault(name, { model: "one", fault: "storm", delayMs: RETRY_AFTER_MS, forMs: STORM_MS });
        await Promise.all([vendors.send(name, rows), vendors.send(`calm-${kind}`, calmRows)]);
        const calm = await vendors.results(`calm-${kind}`);
        expect(answersBy(calm)).toEqual({ [`${name}/two`]: calmRows });
        // All of them on a quiet machine; on a busy one the storm ends before the rows are through.
        expect(calm.filter((result) => result.finishedAt < endsAt).length).toBeGreaterThan(calmRows / 4);
        const results = await vendors.results(name);
        expect(answersBy(results)).toEqual({ [`${name}/one`]: rows });
        const others = results.flatMap((result) => outcomesAt(result, `${name}/one`)).filter((outcome) => outcome !== "answered");
        expect(new Set(others)).toEqual(new Set(["throttled"]));
        const refused = refusedCalls(name);
        const waits = STORM_MS / RETRY_AFTER_MS + 1;
        expect(refused.at(-1)!.atMs - refused[0]!.atMs).toBeGreaterThan(2 * RETRY_AFTER_MS);
        expect(refused.length).toBeLessThanOrEqual(waits * BURST);
        expect(await vendors.breaker(`${name}/one`)).toEqual({ kind: "closed" });
      },
    );
  }

  for (const [name, fault, words] of [
    ["terse", "storm", "with retry-after and nothing else"],
    ["silent", "no-retry-after", "without retry-after"],
  ] as const) {
    it(`${words}, met by the very first calls: soon the rate is what it would have been`, { timeout: 60_000 }, async () => {
      vendors.setFault(name, { fault, forMs: 2_000 });
      await vendors.send(name, 2_000);
      await until("the rate", async () => (await rateOver(name, 2_000)) > 0.5 * PER_SECOND, 45_000);
      expect(await vendors.breaker(`${name}/one`)).toEqual({ kind: "closed" });
    });
  }
});

describe.concurrent("a vendor that asks to slow down (503, OpenAI)", () => {
  it(
    "is asked at a lower rate from then on, but not at a crawl; it uses no attempt and opens no breaker",
    { timeout: 60_000 },
    async () => {
      await vendors.send("slower", 800);
      await until("the first answers", () => vendors.seen("slower").answered >= 100);
      const before = await rateOver("slower", 1_500);
      vendors.setFault("slower", { fault: "slow-down", forMs: 1_000 });
      await until("its end", () => vendors.fleet.simulator.state().faults.every((fault) => fault.vendor !== "slower"));
      expect(vendors.seen("slower").errors).toMatchObject({ 503: expect.any(Number) as number });
      await pause(1_000);
      const after = await rateOver("slower", 3_000);
      expect(after / before).toBeLessThan(0.8);
      expect(after / before).toBeGreaterThan(0.2);
      expect(await vendors.breaker("slower/one")).toEqual({ kind: "closed" });
      expect(await vendors.status("slower")).toMatchObject({ failed: 0, rerouted: 0 });
    },
  );
});

describe.concurrent("a limit of few calls a minute", () => {
  it("is waited for: its model stays available, and nothing spills into the fallback", { timeout: 60_000 }, async () => {
    await vendors.send("scarce", 20);
    await until("its first answer", () => vendors.seen("scarce").answered > 0);
    await pause(4_000);
    expect(await vendors.breaker("scarce/one")).toEqual({ kind: "closed" });
    expect(vendors.seen("backup").calls).toBe(0);
  });
});

describe.concurrent("a parked model", () => {
  it(
    "is left alone by every process of the fleet for as long as its vendor said, while other models go on",
    { timeout: 60_000 },
    async () => {
      const rows = 400;
      await Promise.all([vendors.send("parked", rows), vendors.send("parked-other", 1_200)]);
      await until("the first answers", () => vendors.seen("parked", "one").answered >= 100);
      vendors.setFault("parked", { model: "one", fault: "storm", delayMs: PARK_MS });
      await until("a refusal", () => vendors.seen("parked", "one").refused429 > 0);
      vendors.clearFaults("parked");
      const refusedAt = refusedCalls("parked")[0]!.atMs;
      await until("its calls to end", async () => (await vendors.active("parked/one")) === 0, PARK_MS / 2);
      const [one, two] = [vendors.seen("parked", "one").calls, vendors.seen("parked", "two").calls];
      let mostActive = 0;
      while (Date.now() < refusedAt + 0.9 * PARK_MS) {
        mostActive = Math.max(mostActive, await vendors.active("parked/one"));
        await pause(50);
      }
      expect(mostActive).toBe(0);
      expect(vendors.seen("parked", "one").calls).toBe(one);
      expect(vendors.seen("parked", "two").calls - two).toBeGreaterThan(PER_SECOND);
      await until("the next call", () => vendors.seen("parked", "one").calls > one);
      expect((Date.now() - refusedAt) / PARK_MS).toBeLessThan(1.5);
      expect(answersBy(await vendors.results("parked"))).toEqual({ "parked/one": rows });
    },
  );
});
