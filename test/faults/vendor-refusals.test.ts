// A vendor that says no: what each of its refusals leads to. All cases share one fleet and run side by side.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetStatus } from "../../queues/fleet-status.ts";
import type { ProviderKind } from "../../src/job/model.ts";
import { pause, until } from "../support/fleet.ts";
import { answersBy, BACKUP, outcomesAt, startVendorFleet, type VendorCase, type VendorFleet } from "../support/vendor-fleet.ts";

/** Calls of one model that are under way at once: no more can have been made before the first answer is known. */
const IN_FLIGHT = 8;
const HOUR_MS = 3_600_000;

const model = { configured: { limits: { concurrency: IN_FLIGHT } } };
const twoModels = { one: model, two: model };
const elsewhere = { models: ["one", "two"], fallback: [BACKUP] };
const KINDS = ["openai", "anthropic"] as const;

const WHOLE_ACCOUNT = [
  ["quota", "openai", "429 insufficient_quota"],
  ["billing", "openai", "429 credit_balance_exhausted"],
  ["spend-cap", "openai", "429 organization_spend_limit_exceeded"],
  ["auth", "openai", "401 invalid_api_key"],
  ["permission", "openai", "403 unsupported_country_region_territory"],
  ["quota", "anthropic", "You have reached your specified API usage limits"],
  ["billing", "anthropic", "402 billing_error"],
  ["spend-cap", "anthropic", "429 enforced_spend_limit_reached"],
  ["auth", "anthropic", "401 authentication_error"],
  ["permission", "anthropic", "403 permission_error"],
] as const;

const POLICY = [
  ["content-policy", "openai"],
  ["content-filter", "openai"],
  ["content-policy", "anthropic"],
  ["refusal", "anthropic"],
] as const;

/** For each kind of vendor, or each of a table's. */
function casesOf(kinds: readonly ProviderKind[], prefix: string, make: (kind: ProviderKind) => Omit<VendorCase, "kind">) {
  return Object.fromEntries(kinds.map((kind): [string, VendorCase] => [`${prefix}-${kind}`, { kind, ...make(kind) }]));
}

let vendors: VendorFleet;
beforeAll(async () => {
  vendors = await startVendorFleet({
    ...Object.fromEntries(
      WHOLE_ACCOUNT.map(([fault, kind]): [string, VendorCase] => [
        `${fault}-${kind}`,
        { kind, models: twoModels, task: { route: elsewhere } },
      ]),
    ),
    ...casesOf(KINDS, "alone", () => ({ models: { one: model }, task: { route: { models: ["one"] }, attempts: 1 } })),
    ...casesOf(KINDS, "unknown", () => ({ models: twoModels, task: { route: elsewhere } })),
    ...casesOf(KINDS, "hour", () => ({ models: twoModels, task: { route: elsewhere, attempts: 1 } })),
    ...casesOf(KINDS, "overloaded", () => ({ models: twoModels, task: { route: elsewhere } })),
    ...casesOf(KINDS, "context", () => ({
      models: {
        // Its vendor's window is smaller than the configuration says.
        one: { simulated: { contextWindow: 5 }, configured: { contextWindow: 128_000 } },
        same: { configured: { contextWindow: 128_000 } },
        large: { configured: { contextWindow: 400_000 } },
      },
      task: { route: { models: ["one", "same", "large"] } },
    })),
    ...casesOf(KINDS, "body", () => ({
      models: { one: {}, same: {}, large: { configured: { contextWindow: 400_000 } } },
      task: { route: { models: ["one", "same", "large"] } },
    })),
    ...casesOf(KINDS, "longest", () => ({
      models: { one: { simulated: { contextWindow: 5 } }, same: {} },
      task: { route: { models: ["one", "same"] } },
    })),
    ...Object.fromEntries(
      POLICY.flatMap(([fault, kind]) =>
        (["fail", "reroute"] as const).map((onRefusal): [string, VendorCase] => [
          `${fault}-${kind}-${onRefusal}`,
          { kind, models: { one: {} }, task: { route: { models: ["one"], fallback: [BACKUP] }, onRefusal } },
        ]),
      ),
    ),
  });
});
afterAll(() => vendors?.stop());

describe.concurrent("a refusal that concerns the whole account", () => {
  for (const [fault, kind, reason] of WHOLE_ACCOUNT) {
    it(`${fault} at ${kind}: the provider's breaker opens at once, nothing is asked twice, and all jobs flow to another vendor`, async () => {
      const name = `${fault}-${kind}`;
      const rows = 200;
      await vendors.send(name, rows);
      await until("answers before the fault", () => vendors.seen(name).answered >= 20);
      vendors.setFault(name, { fault });
      const results = await vendors.results(name);
      const { calls, answered } = vendors.seen(name);
      expect(calls - answered).toBeGreaterThan(0);
      expect(calls - answered).toBeLessThanOrEqual(IN_FLIGHT);
      expect(vendors.seen(name, "two").calls).toBe(0);
      expect(answersBy(results)).toEqual({ [`${name}/one`]: answered, [BACKUP]: rows - answered });
      for (const each of ["one", "two"]) {
        const isOpen = { kind: "open", reason: expect.stringContaining(reason) as string };
        expect(await vendors.breaker(`${name}/${each}`)).toMatchObject(isOpen);
      }
      for (const result of results) expect(outcomesAt(result, `${name}/one`).length).toBeLessThanOrEqual(1);
      expect(await vendors.deadLetters(name)).toBe(0);
    });
  }

  for (const kind of KINDS) {
    it(`quota at ${kind} without a fallback: the jobs wait, which costs nothing, and are answered when there is quota again`, async () => {
      const name = `alone-${kind}`;
      const rows = 40;
      vendors.setFault(name, { fault: "quota" });
      await vendors.send(name, rows);
      await until("the breaker to open", async () => (await vendors.breaker(`${name}/one`)).kind === "open");
      await until("its calls to end", async () => (await vendors.active(`${name}/one`)) === 0);
      const { calls } = vendors.seen(name);
      expect(calls).toBeLessThanOrEqual(IN_FLIGHT);
      await pause(1_500);
      expect(vendors.seen(name).calls).toBe(calls);
      expect(await vendors.status(name)).toMatchObject({ done: 0, failed: 0 });
      vendors.clearFaults(name);
      await vendors.endOpenings(name);
      const results = await vendors.results(name);
      expect(answersBy(results)).toEqual({ [`${name}/one`]: rows });
      for (const result of results) {
        const outcomes = outcomesAt(result, `${name}/one`);
        expect(outcomes).toEqual(outcomes.length > 1 ? ["unavailable", "answered"] : ["answered"]);
      }
      expect(vendors.seen(name).calls).toBe(calls + rows);
      expect(await vendors.breaker(`${name}/one`)).toEqual({ kind: "closed" });
      expect(await vendors.deadLetters(name)).toBe(0);
    });
  }
});

describe.concurrent("a refusal that concerns one model", () => {
  for (const kind of KINDS) {
    it(`unknown model at ${kind}: its breaker opens at once, and the provider's other model takes its jobs`, async () => {
      const name = `unknown-${kind}`;
      vendors.setFault(name, { model: "one", fault: "unknown-model" });
      await vendors.send(name, 60);
      expect(answersBy(await vendors.results(name))).toEqual({ [`${name}/two`]: 60 });
      expect(vendors.seen(name, "one").calls).toBeLessThanOrEqual(IN_FLIGHT);
      expect(await vendors.breaker(`${name}/one`)).toMatchObject({ kind: "open", reason: expect.stringContaining("404") as string });
      expect(await vendors.breaker(`${name}/two`)).toEqual({ kind: "closed" });
    });

    it(`retry-after of an hour at ${kind}: the model is unavailable for about so long, and the provider's other model takes its jobs at once`, async () => {
      const name = `hour-${kind}`;
      vendors.setFault(name, { model: "one", fault: "long-retry-after", delayMs: HOUR_MS });
      await vendors.send(name, 60);
      const results = await vendors.results(name);
      expect(answersBy(results)).toEqual({ [`${name}/two`]: 60 });
      // No attempt was used: the task has only one.
      expect(new Set(results.flatMap((result) => outcomesAt(result, `${name}/one`)))).toEqual(new Set(["throttled"]));
      expect(vendors.seen(name, "one").calls).toBeLessThanOrEqual(IN_FLIGHT);
      const breaker = await vendors.breaker(`${name}/one`);
      expect(breaker).toMatchObject({ kind: "open", reason: expect.stringContaining("429") as string });
      const leftMs = breaker.kind === "open" ? breaker.openUntil - Date.now() : 0;
      expect(leftMs / HOUR_MS).toBeGreaterThan(0.95);
      expect(leftMs / HOUR_MS).toBeLessThan(1.05);
      expect(await vendors.breaker(`${name}/two`)).toEqual({ kind: "closed" });
    });
  }

  it("is shown by `status`, with its reason and for how long", async () => {
    await until("the hour", async () => (await vendors.breaker("hour-openai/one")).kind === "open");
    const { stdout } = await vendors.fleet.command("status", "--json").result;
    const { models } = JSON.parse(stdout) as FleetStatus;
    const shown = models.find((each) => each.model === "hour-openai/one");
    expect(shown?.breaker).toEqual(await vendors.breaker("hour-openai/one"));
  });
});

describe.concurrent("an overloaded vendor", () => {
  it("529 (Anthropic): transient, counts to the breaker of the whole provider, and the jobs go to another vendor", async () => {
    const name = "overloaded-anthropic";
    vendors.setFault(name, { model: "one", fault: "overloaded" });
    await vendors.send(name, 100);
    const results = await vendors.results(name);
    expect(answersBy(results)).toEqual({ [BACKUP]: 100 });
    expect(new Set(results.flatMap((result) => outcomesAt(result, `${name}/one`)))).toEqual(new Set(["transient"]));
    expect((await vendors.breaker(`${name}/two`)).kind).not.toBe("closed");
    expect(vendors.seen(name, "two").calls).toBe(0);
  });

  it("503 (OpenAI): transient, a matter of the model, and the provider's other model takes the jobs", async () => {
    const name = "overloaded-openai";
    vendors.setFault(name, { model: "one", fault: "overloaded" });
    await vendors.send(name, 100);
    const results = await vendors.results(name);
    expect(answersBy(results)).toEqual({ [`${name}/two`]: 100 });
    expect(new Set(results.flatMap((result) => outcomesAt(result, `${name}/one`)))).toEqual(new Set(["transient"]));
    expect((await vendors.breaker(`${name}/one`)).kind).not.toBe("closed");
    expect(await vendors.breaker(`${name}/two`)).toEqual({ kind: "closed" });
  });
});

describe.concurrent("a request that is too long", () => {
  for (const kind of KINDS) {
    it(`by its vendor's count (${kind}): goes to a larger window only`, async () => {
      const name = `context-${kind}`;
      await vendors.send(name, 10);
      const results = await vendors.results(name);
      expect(answersBy(results)).toEqual({ [`${name}/large`]: 10 });
      for (const result of results) expect(outcomesAt(result, `${name}/one`)).toEqual(["unfit"]);
      expect(vendors.seen(name, "same").calls).toBe(0);
      expect(await vendors.breaker(`${name}/one`)).toEqual({ kind: "closed" });
    });

    it(`with 413 and a body of HTML (${kind}): goes to a larger window only`, async () => {
      const name = `body-${kind}`;
      vendors.setFault(name, { model: "one", fault: "too-large" });
      await vendors.send(name, 10);
      const results = await vendors.results(name);
      expect(answersBy(results)).toEqual({ [`${name}/large`]: 10 });
      for (const result of results) expect(outcomesAt(result, `${name}/one`)).toEqual(["unfit"]);
      expect(vendors.seen(name, "same").calls).toBe(0);
    });

    it(`for every model of its route (${kind}): ends as exhausted`, async () => {
      const name = `longest-${kind}`;
      await vendors.send(name, 5);
      expect(answersBy(await vendors.results(name))).toEqual({ exhausted: 5 });
      expect(vendors.seen(name).calls).toBe(5);
      expect(await vendors.deadLetters(name)).toBe(5);
    });
  }
});

describe.concurrent("a request that breaks a vendor's content policy", () => {
  for (const [fault, kind] of POLICY) {
    it(`${fault} at ${kind}: ends the job, or goes to one other model, by the task's policy`, async () => {
      const [fail, reroute] = [`${fault}-${kind}-fail`, `${fault}-${kind}-reroute`];
      for (const name of [fail, reroute]) {
        vendors.setFault(name, { fault });
        await vendors.send(name, 10);
      }
      const [failed, rerouted] = await Promise.all([vendors.results(fail), vendors.results(reroute)]);
      expect(answersBy(failed)).toEqual({ refused: 10 });
      expect(answersBy(rerouted)).toEqual({ [BACKUP]: 10 });
      for (const result of failed) expect(result.trail.map(({ outcome }) => outcome)).toEqual(["refused"]);
      for (const result of rerouted) expect(result.trail.map(({ outcome }) => outcome)).toEqual(["refused", "answered"]);
    });
  }
});
