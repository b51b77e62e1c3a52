// Single jobs that have bad luck: their worker dies again and again, or somebody deletes them by hand.

import { join } from "node:path";
import { Queue } from "bullmq";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { createQueueSet } from "../../queues/queue-set.ts";
import { freshProgress, type Exclusion } from "../../src/job/progress.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { modelQueue, taskQueue } from "../../src/runtime/keys.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

let fleet: TestFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

const calls = (from: TestFleet) => from.simulator.ledger().total.calls;

describe("a job whose worker is killed five times in a row", () => {
  it("is answered the sixth time, and the five cut-off calls are counted", { timeout: 120_000 }, async () => {
    const rows = classifyRows(1);
    fleet = await startTestFleet({
      simulator: classifySimulator(rows),
      config: classifyConfig({ queues: { lock: "1s", stalledCheck: "500ms" } }),
    });
    const { simulator } = fleet;
    for (const role of [["router"], ["reroute"], ["recorder"], ["pool", "beta"]]) await fleet.start(...role);
    simulator.setFault({ vendor: "alpha", fault: "hang" });
    let pool = await fleet.start("pool", "alpha");
    const run = fleet.command(
      "run",
      await fleet.file("in.jsonl", toJsonl(rows)),
      "--task",
      "classify",
      "--batch",
      "b",
      "-o",
      `${fleet.dir}/out.jsonl`,
    );
    for (let kill = 1; kill <= 5; kill++) {
      await until(`call ${kill}`, () => calls(fleet!) === kill);
      await pool.kill();
      if (kill === 5) simulator.clearFaults();
      pool = await fleet.start("pool", "alpha");
    }
    const { code, stderr } = await run.result;
    expect(code, stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), 1);
    expect(calls(fleet)).toBe(6);
    const status = await createBatchStates(fleet.redis.client()).status("b");
    expect(status).toMatchObject({ calls: 6, duplicateCalls: 5, answered: 1 });
  });
});

describe("a job whose worker dies at the moment when it has handed it on", () => {
  it("may be called once more in vain, and that call is in the books as well", { timeout: 60_000 }, async () => {
    const rows = classifyRows(1);
    fleet = await startTestFleet({
      simulator: classifySimulator(rows),
      config: classifyConfig({ queues: { lock: "1s", stalledCheck: "500ms" } }),
    });
    const { simulator } = fleet;
    for (const role of [["router"], ["recorder"], ["pool", "beta"]]) await fleet.start(...role);
    simulator.setFault({ vendor: "alpha", fault: "hang" });
    const pool = await fleet.start("pool", "alpha");
    const input = await fleet.file("in.jsonl", toJsonl(rows));
    await fleet.command("enqueue", input, "--task", "classify", "--batch", "b").result;
    await until("the first call", () => calls(fleet!) === 1);
    await pool.kill();
    simulator.clearFaults();

    // What it would have added last, had it come so far.
    const queues = createQueueSet(fleet.redis.client());
    const alpha: Exclusion = { model: "alpha/one", cause: "cut-off", reason: "its answer was cut off" };
    const handedOn = {
      job: { batch: "b", row: 0, task: "classify", input: { text: rows[0]!.text }, id: rows[0]!.id },
      hop: 2,
      round: 0,
      progress: { ...freshProgress(Date.now()), excluded: [alpha] },
    };
    await queues.addReroute(handedOn);
    simulator.setFault({ vendor: "alpha", fault: "cut-off" });
    await fleet.start("pool", "alpha");
    await until("the call in vain", () => calls(fleet!) === 2);
    const states = createBatchStates(fleet.redis.client());
    await until("its queue job's end", async () => (await queues.queue(modelQueue("alpha/one")).getActiveCount()) === 0);
    await fleet.start("reroute");
    await until("the batch's end", async () => (await states.status("b"))?.state === "finished");
    await queues.stop();

    const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
    const booked: string[] = [];
    for await (const { model, outcome, isDuplicate } of store.ledger("b"))
      booked.push(`${model} ${outcome}${isDuplicate ? ", beside" : ""}`);
    await store.stop();
    expect(booked.toSorted()).toEqual(["alpha/one uncertain, beside", "alpha/one unfit, beside", "beta/two answered"]);
  });
});

describe("a job deleted by hand", () => {
  it("is read from the file again and answered, wherever it was", { timeout: 90_000 }, async () => {
    const rows = classifyRows(60);
    fleet = await startTestFleet({
      simulator: classifySimulator(rows, { callLog: true }),
      config: classifyConfig({ queues: { reconcile: "1s" } }),
    });
    for (const role of [["reroute"], ["recorder"], ["pool", "beta"]]) await fleet.start(...role);
    const redis = fleet.redis.client();
    const run = fleet.command(
      "run",
      await fleet.file("in.jsonl", toJsonl(rows)),
      "--task",
      "classify",
      "--batch",
      "b",
      "-o",
      `${fleet.dir}/out.jsonl`,
    );
    // `run` starts a fleet of its own unless one is complete: hold the others back by stopping its pools' queue first.
    const tasks = new Queue(taskQueue("classify"), { connection: redis });
    const models = new Queue(modelQueue("alpha/one"), { connection: redis });
    await Promise.all([tasks.pause(), models.pause()]);
    await until("all rows in the task queue", async () => (await createBatchStates(redis).status("b"))?.state === "sealed");
    await until("row 7 waiting", async () => (await tasks.getJob("b.7.0.0")) !== undefined);
    await (await tasks.getJob("b.7.0.0"))!.remove();
    await tasks.resume();
    await until("row 9 in the model queue", async () => (await models.getJob("b.9.1.0")) !== undefined);
    await (await models.getJob("b.9.1.0"))!.remove();
    await models.resume();
    const { code, stderr } = await run.result;
    expect(code, stderr).toBe(0);
    expectEveryRowOnce(await fleet.lines(`${fleet.dir}/out.jsonl`), 60);
    expect(calls(fleet)).toBe(60);
    await Promise.all([tasks.close(), models.close()]);
  });

  it("ends as lost when nobody can read its input again", { timeout: 90_000 }, async () => {
    const rows = classifyRows(3);
    fleet = await startTestFleet({ simulator: classifySimulator(rows), config: classifyConfig({ queues: { reconcile: "1s" } }) });
    const redis = fleet.redis.client();
    const tasks = new Queue(taskQueue("classify"), { connection: redis });
    await tasks.pause();
    const enqueued = await fleet.command("enqueue", await fleet.file("in.jsonl", toJsonl(rows)), "--task", "classify", "--batch", "b")
      .result;
    expect(enqueued.code, enqueued.stderr).toBe(0);
    await (await tasks.getJob("b.1.0.0"))!.remove();
    await tasks.resume();
    await fleet.start("up", "--no-web");
    const states = createBatchStates(redis);
    await until("the end of the batch", async () => (await states.status("b"))?.state === "finished");
    const errors = await fleet.command("results", "b", "--errors").result;
    expect(JSON.parse(errors.stdout)).toMatchObject({ row: 1, status: "error", error: { code: "lost" } });
    await tasks.close();
  });
});
