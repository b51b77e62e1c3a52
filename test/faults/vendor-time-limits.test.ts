// A vendor that keeps calls waiting: hung sockets, trickling bodies, answers that break off. Every call ends within its time limit, as `transient`, and no
// job outlives its deadline. All cases share one fleet and run side by side.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/fleet.ts";
import type { ForwardingProxy } from "../support/forwarding-proxy.ts";
import { startTricklingProxy } from "../support/trickling-proxy.ts";
import { answersBy, BACKUP, entriesAt, startVendorFleet, type VendorCase, type VendorFleet } from "../support/vendor-fleet.ts";

const KINDS = ["openai", "anthropic"] as const;
/** Far shorter than anything else that could end a call. */
const TIMEOUT_MS = 1_500;
const LONG_TIMEOUT_MS = 60_000;
/** And which share of the time limit a call takes at least. */
const FAULTS = [
  ["hang", 0.95],
  ["trickle", 0.95],
  ["reset", 0],
] as const;
/** Fewer failures than open a breaker. */
const ROWS = 3;

const rerouted = { route: { models: ["one"], fallback: [BACKUP] }, attempts: 2, timeout: `${TIMEOUT_MS}ms` };
const patient = { route: { models: ["one"] }, timeout: `${LONG_TIMEOUT_MS}ms` };

let proxy: ForwardingProxy;
let vendors: VendorFleet;

const trickling = { address: (url: string) => (proxy.forwardTo(url), proxy.url) };

beforeAll(async () => {
  proxy = await startTricklingProxy();
  vendors = await startVendorFleet({
    ...Object.fromEntries(
      KINDS.flatMap((kind) =>
        FAULTS.map(([fault]): [string, VendorCase] => [
          `${fault}-${kind}`,
          { kind, models: { one: {} }, task: rerouted, ...(fault === "trickle" ? trickling : {}) },
        ]),
      ),
    ),
    again: { kind: "openai", models: { one: {} }, task: { route: { models: ["one"] }, attempts: 3, timeout: `${TIMEOUT_MS}ms` } },
    "deadline-hang": { kind: "anthropic", models: { one: {} }, task: patient },
    "deadline-trickle": { kind: "openai", models: { one: {} }, task: patient, ...trickling },
    "deadline-slow": { kind: "openai", latencyMs: 1_000, models: { one: {} }, task: patient, tasks: { "no-deadline": patient } },
    stuck: { kind: "openai", models: { one: {} }, task: { ...patient, route: { models: ["one"], fallback: [BACKUP] } } },
  });
});
afterAll(async () => {
  await vendors?.stop();
  await proxy?.stop();
});

describe.concurrent("a call whose answer never comes whole", () => {
  for (const kind of KINDS) {
    for (const [fault, least] of FAULTS) {
      it(`${fault} at ${kind}: is transient within its time limit, tried again, and rerouted when its attempts are used up`, async () => {
        const name = `${fault}-${kind}`;
        if (fault !== "trickle") vendors.setFault(name, { fault });
        await vendors.send(name, ROWS);
        const results = await vendors.results(name);
        expect(answersBy(results)).toEqual({ [BACKUP]: ROWS });
        expect(vendors.seen(name).calls).toBe(2 * ROWS);
        for (const entry of results.flatMap((result) => entriesAt(result, `${name}/one`))) {
          // Whether the vendor charges it nobody knows: it is booked at what was expected.
          expect(entry.outcome).toBe("uncertain");
          expect(entry.usage.inputTokens).toBeGreaterThan(0);
          expect(entry.latencyMs / TIMEOUT_MS).toBeGreaterThan(least);
          expect(entry.latencyMs / TIMEOUT_MS).toBeLessThan(2);
        }
      });
    }
  }

  it("is made again at the same model, which answers it if it can", async () => {
    vendors.setFault("again", { fault: "hang" });
    await vendors.send("again", ROWS);
    await until("hung calls", () => vendors.seen("again").calls === ROWS);
    vendors.clearFaults("again");
    const results = await vendors.results("again");
    for (const result of results) expect(result.trail.map(({ outcome }) => outcome)).toEqual(["uncertain", "answered"]);
  });
});

describe.concurrent("a job's deadline that passes during a call", () => {
  for (const fault of ["hang", "trickle"] as const) {
    it(`${fault}: ends the job as expired, long before the call's own time limit`, async () => {
      const name = `deadline-${fault}`;
      if (fault === "hang") vendors.setFault(name, { fault });
      const deadline = Date.now() + 2_000;
      await vendors.send(name, ROWS, { deadline });
      const results = await vendors.results(name);
      expect(answersBy(results)).toEqual({ expired: ROWS });
      expect(vendors.seen(name).calls).toBeGreaterThan(0);
      for (const { finishedAt } of results) {
        expect(finishedAt).toBeGreaterThanOrEqual(deadline);
        expect((finishedAt - deadline) / LONG_TIMEOUT_MS).toBeLessThan(0.1);
      }
    });
  }

  it("says nothing of the model: its breaker stays closed, and its other jobs are answered", async () => {
    const name = "deadline-slow";
    await vendors.send(name, 40, { deadline: Date.now() + 900 });
    const results = await vendors.results(name);
    expect(answersBy(results)).toEqual({ expired: 40 });
    expect(await vendors.breaker(`${name}/one`)).toEqual({ kind: "closed" });
    await vendors.send("no-deadline", 10);
    expect(answersBy(await vendors.results("no-deadline"))).toEqual({ [`${name}/one`]: 10 });
  });
});

describe.concurrent("a vendor that begins to hang", () => {
  it("is noticed long before the time limit: its breaker opens, hung calls are broken off, and their jobs go to the fallback", async () => {
    const rows = 400;
    const begun = Date.now();
    await vendors.send("stuck", rows);
    await until("some answers", () => vendors.seen("stuck").answered >= 50);
    vendors.setFault("stuck", { fault: "hang" });
    const results = await vendors.results("stuck");
    const hung = results.flatMap((result) => entriesAt(result, "stuck/one")).filter(({ outcome }) => outcome !== "answered");
    expect(answersBy(results)[BACKUP]).toBeGreaterThan(0);
    expect(hung.length).toBeGreaterThan(0);
    for (const entry of hung) {
      expect(entry.outcome).toBe("uncertain");
      expect(entry.latencyMs / LONG_TIMEOUT_MS).toBeLessThan(0.5);
    }
    expect((Date.now() - begun) / LONG_TIMEOUT_MS).toBeLessThan(0.75);
    expect((await vendors.breaker("stuck/one")).kind).not.toBe("closed");
  });
});
