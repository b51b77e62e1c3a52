// A batch's life by commands: enqueue, follow, read, pause, cancel, retry; and several commands on one fleet or one embedded Redis.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { isAlive } from "../../queues/folder-lock.ts";
import { findRedisBinary } from "../../queues/redis-binary.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { COMPILE_CACHE, ofFleet, runCommand, startCommand } from "../support/command-line.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const ROWS = classifyRows(60);
let fleet: TestFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

/** A fleet that is up; `limits` may slow its first model down. */
async function startUp(options: { readonly limits?: object; readonly route?: object } = {}) {
  fleet = await startTestFleet({
    environment: COMPILE_CACHE,
    simulator: classifySimulator(ROWS, { callLog: true }),
    config: classifyConfig({
      limits: options.limits ?? { rpm: 300_000 },
      ...(options.route ? { route: options.route } : {}),
    }),
  });
  await fleet.start("up", "--no-web");
  const file = await fleet.file("in.jsonl", toJsonl(ROWS));
  const states = createBatchStates(fleet.redis.client());
  const run = (...args: string[]) => runCommand([...args, "--config", fleet!.config], ofFleet(fleet!));
  const enqueue = async (batch: string) => {
    const { code, stderr } = await run("enqueue", file, "--task", "classify", "--batch", batch);
    expect(code, stderr).toBe(0);
  };
  return { fleet, file, states, run, enqueue };
}

const parse = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("enqueue and what follows", { timeout: 60_000 }, () => {
  it("a file, its status, its results", async () => {
    const { run, enqueue } = await startUp();
    await enqueue("b");
    const followed = await run("status", "b", "--follow", "--json");
    expect(followed.code, followed.stderr).toBe(0);
    expect(JSON.parse(followed.stdout)).toMatchObject({ batch: "b", state: "finished", answered: ROWS.length });
    const all = await run("status", "--json");
    expect(JSON.parse(all.stdout)).toMatchObject({ batches: [{ batch: "b" }], warnings: [] });
    expect((await run("status")).stdout).toContain("alpha/one");
    expectEveryRowOnce(parse((await run("results", "b")).stdout), ROWS.length);
    const csv = await run("results", "b", "--format", "csv");
    expect(csv.stdout.split("\n")[0]).toContain("output.label");
  });

  it("standard input, as a batch of its own", async () => {
    const { fleet, run, states } = await startUp();
    const args = ["enqueue", "-", "--task", "classify", "--config", fleet.config];
    const { code, stdout, stderr } = await runCommand(args, { ...ofFleet(fleet), input: toJsonl(ROWS) });
    expect(code, stderr).toBe(0);
    const batch = stdout.trim();
    await until("its end", async () => (await states.status(batch))?.state === "finished");
    expectEveryRowOnce(parse((await run("results", batch)).stdout), ROWS.length);
  });
});

describe("pause, resume and cancel", { timeout: 60_000 }, () => {
  it("a paused batch makes no calls until it is resumed", async () => {
    const { fleet, states, run, enqueue } = await startUp({ limits: { rpm: 600 } });
    await enqueue("b");
    await until("some rows", async () => ((await states.status("b"))?.done ?? 0) > 5);
    expect((await run("pause", "b")).code).toBe(0);
    // Calls in flight end; then nothing moves.
    let calls = -1;
    await until("quiet", async () => {
      const before = calls;
      calls = fleet.simulator.ledger().total.calls;
      await new Promise((wake) => setTimeout(wake, 1_000));
      return before === calls;
    });
    expect((await states.status("b"))!.done).toBeLessThan(ROWS.length);
    expect((await run("resume", "b")).code).toBe(0);
    const followed = await run("status", "b", "--follow", "--json");
    expect(JSON.parse(followed.stdout)).toMatchObject({ state: "finished", answered: ROWS.length });
  });

  it("a cancelled batch ends, its open rows as errors; the same file then says what to do, and retry takes them up", async () => {
    const { fleet, states, file, run, enqueue } = await startUp({ limits: { concurrency: 4 } });
    fleet.simulator.setFault({ vendor: "alpha", fault: "slow", delayMs: 1_000 });
    await enqueue("b");
    await until("some rows", async () => ((await states.status("b"))?.done ?? 0) > 5);
    expect((await run("cancel", "b")).code).toBe(0);
    await until("its end", async () => (await states.status("b"))?.state === "cancelled");
    const status = (await states.status("b"))!;
    expect(status.answered + status.failed).toBe(ROWS.length);
    expect(status.failed).toBeGreaterThan(0);
    const errors = parse((await run("results", "b", "--errors")).stdout);
    expect(new Set(errors.map((line) => (line["error"] as { code: string }).code))).toEqual(new Set(["cancelled"]));
    const again = await run("run", file, "--task", "classify", "--batch", "b");
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("modelfleet retry b");
    fleet.simulator.clearFaults();
    expect((await run("retry", "b")).code).toBe(0);
    await until("the end of the retry", async () => (await states.status("b"))?.state === "finished");
    expectEveryRowOnce(parse((await run("results", "b")).stdout), ROWS.length);
  });
});

describe("retry", { timeout: 60_000 }, () => {
  it("calls the failed rows again and no other", async () => {
    const { fleet, states, run, enqueue } = await startUp();
    fleet.simulator.setFault({ vendor: "alpha", fault: "refusal", share: 0.5 });
    await enqueue("b");
    await until("its end", async () => (await states.status("b"))?.state === "finished");
    const first = (await states.status("b"))!;
    expect(first.failed).toBeGreaterThan(0);
    fleet.simulator.clearFaults();
    const { code, stderr } = await run("retry", "b");
    expect(code, stderr).toBe(0);
    await until("the end of the retry", async () => (await states.status("b"))?.answered === ROWS.length);
    await until("it to be stored", async () => (await states.status("b"))?.state === "finished");
    expectEveryRowOnce(parse((await run("results", "b")).stdout), ROWS.length);
    expect(fleet.simulator.ledger().total.calls).toBe(ROWS.length + first.failed);
  });
});

describe("several commands at once", { timeout: 60_000 }, () => {
  it("two runs share a running fleet, and start none of their own", async () => {
    const { fleet, file, run } = await startUp();
    const other = await fleet.file("other.jsonl", toJsonl(ROWS.slice(0, 20)));
    const outs = [join(fleet.dir, "a.jsonl"), join(fleet.dir, "b.jsonl")];
    const results = await Promise.all([
      run("run", file, "--task", "classify", "-o", outs[0]!),
      run("run", other, "--task", "classify", "-o", outs[1]!),
    ]);
    for (const { code, stderr } of results) {
      expect(code, stderr).toBe(0);
      expect(stderr).toContain("is running: it does the work");
    }
    expectEveryRowOnce(await fleet.lines(outs[0]!), ROWS.length);
    expectEveryRowOnce(await fleet.lines(outs[1]!), 20);
  });

  it("two runs in one folder without a Redis given share one of their own, which ends with the last of them", async (context) => {
    if (!(await findRedisBinary())) context.skip("needs redis-server or valkey-server on the PATH");
    const dir = await mkdtemp(join(tmpdir(), "modelfleet-embedded-"));
    const simulator = createSimulator({ ...classifySimulator(ROWS, { latencyMs: 20 }), port: 0 });
    try {
      const { url } = await simulator.start();
      await writeFile(join(dir, "fleet.yaml"), JSON.stringify(classifyConfig({ limits: { rpm: 1_200 } })(url)));
      await writeFile(join(dir, "a.jsonl"), toJsonl(ROWS));
      await writeFile(join(dir, "b.jsonl"), toJsonl(ROWS.slice(0, 20)));
      const options = { cwd: dir, environment: { SIMULATED_KEY: "simulated", MODELFLEET_DATA: join(dir, "data") } };
      const first = startCommand(["run", "b.jsonl", "--task", "classify", "-o", "b.out.jsonl"], options);
      await first.said("batch ");
      const second = startCommand(["run", "a.jsonl", "--task", "classify", "-o", "a.out.jsonl"], options);
      for (const { code, stderr } of await Promise.all([first.result, second.result])) expect(code, stderr).toBe(0);
      expect((await readFile(join(dir, "a.out.jsonl"), "utf8")).trim().split("\n")).toHaveLength(ROWS.length);
      const status = await runCommand(["status", "--json"], options);
      expect((JSON.parse(status.stdout) as { batches: unknown[] }).batches).toHaveLength(2);
      const server = await readFile(join(dir, "data", "redis", "server.json"), "utf8").catch(() => undefined);
      if (server) await until("the end of the server", () => !isAlive((JSON.parse(server) as { pid: number }).pid));
    } finally {
      await simulator.stop();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
