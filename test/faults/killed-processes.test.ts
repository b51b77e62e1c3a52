// Any process killed at any instant: nothing changes but time and duplicate calls.

import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { pause, startTestFleet, until, type FleetProcessHandle, type TestFleet } from "../support/fleet.ts";
import { NOT_OURS } from "../support/redis.ts";

const ROWS = 10_003;
/** Calls of one pool process that may be under way when it is killed. */
const IN_FLIGHT = 64;
const RESTART_AFTER_MS = 5_000;
const ROLES = [["router"], ["pool", "alpha"], ["pool", "beta"], ["reroute"], ["recorder"]] as const;

let fleet: TestFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function startAll(options: { readonly latencyMs: number }) {
  const rows = classifyRows(ROWS);
  fleet = await startTestFleet({
    simulator: classifySimulator(rows, { latencyMs: options.latencyMs, callLog: true }),
    // Slow enough that the kill comes in the middle.
    config: classifyConfig({ limits: { rpm: 60_000, tpm: 50_000_000, concurrency: IN_FLIGHT } }),
  });
  const processes = new Map<string, FleetProcessHandle>();
  await Promise.all(ROLES.map(async (role) => processes.set(role.join(" "), await fleet!.start(...role))));
  const file = await fleet.file("in.jsonl", toJsonl(rows));
  const run = fleet.command("run", file, "--task", "classify", "--batch", "b", "-o", `${fleet.dir}/out.jsonl`);
  const states = createBatchStates(fleet.redis.client());
  const done = async () => (await states.status("b"))?.done ?? 0;
  return { fleet, processes, run, states, done };
}

/** Calls that reached the vendors beyond one per row. */
function extraCalls(from: TestFleet): number {
  const byPrompt = new Map<string, number>();
  for (const call of from.simulator.ledger().calls ?? []) byPrompt.set(call.prompt, (byPrompt.get(call.prompt) ?? 0) + 1);
  const most = Math.max(...byPrompt.values());
  expect(most, "calls for one job, one fault").toBeLessThanOrEqual(2);
  return from.simulator.ledger().total.calls - ROWS;
}

describe("a process killed with SIGKILL in the middle and restarted after five seconds", () => {
  for (const role of ROLES.filter((each) => each.join(" ") !== "pool beta")) {
    it(`${role.join(" ")}: every row ends once, and duplicate calls are counted`, { timeout: 240_000 }, async () => {
      const { fleet, processes, run, states, done } = await startAll({ latencyMs: 30 });
      await until("a third of the rows", async () => (await done()) > ROWS / 3);
      await processes.get(role.join(" "))!.kill();
      expect(await done()).toBeLessThan(ROWS);
      await pause(RESTART_AFTER_MS);
      await fleet.start(...role);
      const { code, stderr } = await run.result;
      expect(code, stderr).toBe(0);
      expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), ROWS);
      const status = await states.status("b");
      const extra = extraCalls(fleet);
      expect(extra).toBeLessThanOrEqual(role[0] === "pool" ? IN_FLIGHT : 0);
      // A call whose permit was granted and whose request never left counts too: the fleet can't know.
      expect(status!.duplicateCalls).toBeGreaterThanOrEqual(extra);
      expect(status!.duplicateCalls).toBeLessThanOrEqual(role[0] === "pool" ? IN_FLIGHT : 0);
      expect(status!.calls).toBe(ROWS + status!.duplicateCalls);
    });
  }
});

describe("a pool killed while steps of two calls are under way", () => {
  it("every row ends once, with an answer that both models gave", { timeout: 120_000 }, async () => {
    const rows = classifyRows(600);
    const route = { strategy: "ordered", models: [{ agree: ["alpha/one", "beta/two"], on: "label" }] };
    fleet = await startTestFleet({
      simulator: classifySimulator(rows, { latencyMs: 30, callLog: true }),
      config: classifyConfig({ route, limits: { rpm: 6_000, concurrency: 32 } }),
    });
    const processes = new Map<string, FleetProcessHandle>();
    await Promise.all(ROLES.map(async (role) => processes.set(role.join(" "), await fleet!.start(...role))));
    const file = await fleet.file("in.jsonl", toJsonl(rows));
    const run = fleet.command("run", file, "--task", "classify", "--batch", "b", "-o", `${fleet.dir}/out.jsonl`);
    const states = createBatchStates(fleet.redis.client());
    for (const role of [["pool", "alpha"], ["reroute"], ["pool", "beta"]]) {
      const before = (await states.status("b"))?.done ?? 0;
      await until("some more rows", async () => ((await states.status("b"))?.done ?? 0) > before + 60);
      await processes.get(role.join(" "))!.kill();
      await fleet.start(...role);
    }
    const { code, stderr } = await run.result;
    expect(code, stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), rows.length);
    const status = await states.status("b");
    expect(status!.calls).toBe(2 * rows.length + status!.duplicateCalls);
    expect(status!.calls).toBeGreaterThanOrEqual(fleet.simulator.ledger().total.calls);
  });
});

describe("Redis killed with SIGKILL and restarted from its append-only file", () => {
  it("every row ends once", { timeout: 240_000 }, async (context) => {
    const { fleet, run, done } = await startAll({ latencyMs: 30 });
    if (!fleet.redis.isOurs) context.skip(NOT_OURS);
    await until("a third of the rows", async () => (await done()) > ROWS / 3);
    await fleet.redis.kill();
    await pause(RESTART_AFTER_MS);
    await fleet.redis.restart();
    const { code, stderr } = await run.result;
    expect(code, stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), ROWS);
    expect(extraCalls(fleet)).toBeLessThanOrEqual(2 * IN_FLIGHT);
  });
});
