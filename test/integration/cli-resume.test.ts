// The same command again: only rows without a result are called, however the last run ended; and never on a file that has changed.

import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl, type ClassifyRow } from "../support/classify.ts";
import { callsPerRow, COMPILE_CACHE } from "../support/command-line.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const COUNT = 200;
/** Calls under way at once, at most. */
const IN_FLIGHT = 8;

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await startTestFleet({
    environment: COMPILE_CACHE,
    // 8 calls at a time of 100 ms each: long enough for something to happen in the middle.
    simulator: classifySimulator([], { latencyMs: 70, callLog: true }),
    config: classifyConfig({ limits: { rpm: 300_000, tpm: 50_000_000, concurrency: IN_FLIGHT } }),
  });
});

afterAll(() => fleet.stop());

/** Rows that no other test has: their calls can be counted. */
function rowsOf(test: string, count = COUNT): ClassifyRow[] {
  return classifyRows(count).map((row) => ({ ...row, text: `${test}: ${row.text}` }));
}

const run = (...args: string[]) => fleet.command("run", ...args, "--task", "classify");
const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);

describe("Ctrl-C in the middle of a run", () => {
  it(
    "ends it with exit code 130; the same command goes on with the missing rows alone; a third time nothing is called; --fresh calls all",
    { timeout: 60_000 },
    async () => {
      const rows = rowsOf("interrupted");
      const file = await fleet.file("interrupted.jsonl", toJsonl(rows));
      const out = `${fleet.dir}/interrupted.out.jsonl`;
      const states = createBatchStates(fleet.redis.client());

      const first = run(file, "-o", out);
      const batch = await until("the batch", async () => (await states.list())[0]);
      await until("a quarter of the rows", async () => ((await states.status(batch))?.done ?? 0) >= COUNT / 4);
      first.child.kill("SIGINT");
      const interrupted = await first.result;
      expect(interrupted).toMatchObject({ code: 130, stderr: expect.stringContaining("The same command again goes on from there.") });
      const { done, stored } = (await states.status(batch))!;
      expect(stored).toBe(done);
      expect(interrupted.stderr).toContain(`interrupted: ${done} rows`);
      expect(done).toBeLessThan(COUNT);
      await expect(readFile(out)).rejects.toMatchObject({ code: "ENOENT" });

      const second = await run(file, "-o", out).result;
      expect(second.code, second.stderr).toBe(0);
      expect(second.stderr).toContain(`batch ${batch}: ${file}, going on where it stopped`);
      expectEveryRowOnce(await fleet.lines(out), COUNT);
      const calls = callsPerRow(fleet, rows);
      const extra = sum(calls) - COUNT;
      expect(Math.min(...calls)).toBe(1);
      expect(extra).toBeLessThanOrEqual(IN_FLIGHT);
      const status = await states.status(batch);
      expect(status).toMatchObject({ state: "finished", total: COUNT, answered: COUNT });
      expect(status!.duplicateCalls, "calls broken off in flight are counted").toBeGreaterThanOrEqual(extra);
      expect(status!.duplicateCalls).toBeLessThanOrEqual(IN_FLIGHT);

      await writeFile(out, "overwritten");
      const third = await run(file, "-o", out).result;
      expect(third).toMatchObject({ code: 0, stderr: expect.stringContaining("was run before, nothing is called again") });
      expectEveryRowOnce(await fleet.lines(out), COUNT);
      expect(callsPerRow(fleet, rows)).toEqual(calls);

      const fresh = await run(file, "-o", out, "--fresh").result;
      expect(fresh.code, fresh.stderr).toBe(0);
      expectEveryRowOnce(await fleet.lines(out), COUNT);
      expect(callsPerRow(fleet, rows)).toEqual(calls.map((before) => before + 1));

      const afterFresh = await run(file, "-o", out).result;
      expect(afterFresh).toMatchObject({ code: 0, stderr: expect.stringContaining(`batch ${batch}-1: ${file} was run before`) });
      expect(callsPerRow(fleet, rows)).toEqual(calls.map((before) => before + 1));
    },
  );

  it(
    "waits for calls in flight: what they bring is in the store with their cost when the command has ended",
    { timeout: 60_000 },
    async () => {
      const rows = rowsOf("in flight");
      const file = await fleet.file("flight.jsonl", toJsonl(rows));
      const states = createBatchStates(fleet.redis.client());
      const before = fleet.simulator.ledger().total;
      fleet.simulator.setFault({ vendor: "alpha", fault: "slow", delayMs: 1_500 });
      const first = run(file, "--batch", "flight");
      await until("the first calls", () => fleet.simulator.state().vendors["alpha"]?.models["one"]?.inFlight === IN_FLIGHT);
      first.child.kill("SIGINT");
      const { code, stderr } = await first.result;
      expect(code, stderr).toBe(130);
      fleet.simulator.clearFaults();

      // None had ended before.
      expect(stderr).toContain(`interrupted: ${IN_FLIGHT} rows`);
      const { total } = fleet.simulator.ledger();
      expect(total.calls - before.calls).toBe(IN_FLIGHT);
      expect(await states.status("flight")).toMatchObject({
        done: IN_FLIGHT,
        stored: IN_FLIGHT,
        calls: IN_FLIGHT,
        costNanoUsd: total.costNanoUsd - before.costNanoUsd,
      });
      const results = await fleet.command("results", "flight").result;
      expect(results.stdout.trim().split("\n")).toHaveLength(IN_FLIGHT);
      await states.cancel("flight");
    },
  );

  it("pressed twice ends it at once, and nothing is lost by that", { timeout: 30_000 }, async () => {
    const rows = rowsOf("twice");
    const file = await fleet.file("twice.jsonl", toJsonl(rows));
    const states = createBatchStates(fleet.redis.client());
    const first = run(file, "--batch", "twice");
    await until("some rows", async () => ((await states.status("twice"))?.done ?? 0) > 0);
    first.child.kill("SIGINT");
    await until("the first word on it", () => first.child.exitCode !== null || first.child.kill("SIGINT"));
    expect(await first.result).toMatchObject({ code: 130 });

    const out = `${fleet.dir}/twice.out.jsonl`;
    const second = await run(file, "--batch", "twice", "-o", out).result;
    expect(second.code, second.stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(out), COUNT);
    const extra = sum(callsPerRow(fleet, rows)) - COUNT;
    expect(extra).toBeLessThanOrEqual(IN_FLIGHT);
    expect((await states.status("twice"))!.duplicateCalls).toBeGreaterThanOrEqual(extra);
  });
});

describe("rows that have all ended when the run is broken off, and are not stored yet", () => {
  it("are in the output of the next run", { timeout: 30_000 }, async () => {
    const rows = rowsOf("unstored", 20);
    const file = await fleet.file("unstored.jsonl", toJsonl(rows));
    const states = createBatchStates(fleet.redis.client());
    // A fleet without a recorder: every row ends, and none is stored.
    const workers = await Promise.all([fleet.start("router"), fleet.start("pool", "alpha"), fleet.start("reroute")]);
    const enqueued = await fleet.command("enqueue", file, "--task", "classify", "--batch", "unstored").result;
    expect(enqueued.code, enqueued.stderr).toBe(0);
    await until("all rows", async () => (await states.status("unstored"))?.state === "finalizing");
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(await states.status("unstored")).toMatchObject({ done: 20, stored: 0 });

    const out = `${fleet.dir}/unstored.out.jsonl`;
    const { code, stderr } = await run(file, "--batch", "unstored", "-o", out).result;
    expect(code, stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(out), 20);
    expect(callsPerRow(fleet, rows)).toEqual(rows.map(() => 1));
  });
});

describe("a file that has changed since its batch began", () => {
  const rows = rowsOf("changed", 50);
  const changed = rows.map((row, i) => (i === 25 ? { ...row, text: "changed: something else" } : row));

  it.each([
    ["a row in the middle", "middle", rows, changed, "lines 1 to 50"],
    ["rows at its end", "more", rows, [...rows, ...rowsOf("appended", 10)], "the batch has 50 rows, and there are more from line 51 on"],
    ["rows taken away", "fewer", rows, rows.slice(0, 40), "the batch has 50 rows, and there are 40"],
    // Whole thousands are as they were: only the number of rows tells.
    ["rows after the thousandth", "thousand", rowsOf("thousand", 1_000), rowsOf("thousand", 1_010), "from line 1001 on"],
    [
      "rows after the thousandth taken away",
      "cut",
      rowsOf("cut", 1_010),
      rowsOf("cut", 1_000),
      "the batch has 1010 rows, and there are 1000",
    ],
  ] as const)("%s: exit code 2 with the lines, and nothing is called", { timeout: 30_000 }, async (_what, batch, before, after, said) => {
    const states = createBatchStates(fleet.redis.client());
    const file = await fleet.file(`${batch}.jsonl`, toJsonl(before));
    // No fleet is running: no row of the first file is called either.
    const enqueued = await fleet.command("enqueue", file, "--task", "classify", "--batch", batch).result;
    expect(enqueued.code, enqueued.stderr).toBe(0);

    await writeFile(file, toJsonl(after));
    const { code, stderr } = await run(file, "--batch", batch).result;
    expect(stderr).toMatch(/the input has changed since this batch began/);
    expect(stderr).toContain(said);
    expect(code).toBe(2);
    expect(sum(callsPerRow(fleet, [...before, ...after]))).toBe(0);

    await states.cancel(batch);
  });

  it("is run as a batch of its own where no batch is named", { timeout: 30_000 }, async () => {
    const both = rowsOf("derived", 20);
    const file = await fleet.file("derived.jsonl", toJsonl(both.slice(0, 10)));
    expect(await run(file).result).toMatchObject({ code: 0 });
    await writeFile(file, toJsonl(both));
    const second = await run(file).result;
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout.trim().split("\n").length).toBe(20);
  });
});
