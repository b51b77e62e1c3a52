// Single jobs that have bad luck: their worker dies again and again, or somebody deletes them by hand.

import { Queue } from "bullmq";
import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
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
