// The ways a job takes through the fleet, over real queues, real SDKs and simulated vendors.

import { join } from "node:path";
import { Queue } from "bullmq";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { totalCostNanoUsd } from "../../src/job/trail.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { batchKeys, DEAD_QUEUE, fleetKeys, modelQueue, taskQueue } from "../../src/runtime/keys.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

const ROWS = classifyRows(20);
let fleet: TestFleet;

afterEach(() => fleet.stop());

async function startUp(options: Parameters<typeof classifyConfig>[0] = {}): Promise<void> {
  fleet = await startTestFleet({ simulator: classifySimulator(ROWS, { callLog: true }), config: classifyConfig(options) });
}

/** Runs the rows; the lines of the output and of the errors. */
async function run(expected: number) {
  const file = await fleet.file("in.jsonl", toJsonl(ROWS));
  const out = `${fleet.dir}/out.jsonl`;
  const { code, stderr } = await fleet.command("run", file, "--task", "classify", "--batch", "b", "-o", out).result;
  expect(code, stderr).toBe(expected);
  return { answers: await fleet.lines(out), errors: expected === 0 ? [] : await fleet.lines(`${fleet.dir}/out.errors.jsonl`) };
}

const callsOf = (vendor: string) => fleet.simulator.ledger().vendors[vendor]?.total.calls ?? 0;
const modelsOf = (lines: readonly Record<string, unknown>[]) => new Set(lines.map((line) => line["model"]));
const codesOf = (lines: readonly Record<string, unknown>[]) => new Set(lines.map((line) => (line["error"] as { code: string }).code));

describe("a step of two calls", () => {
  const route = { strategy: "ordered", models: [{ agree: ["alpha/one", "beta/two"], on: "label" }], fallback: ["beta/two"] };

  it("answers where both models agree, with both calls in its cost", async () => {
    await startUp({ route });
    const { answers } = await run(0);
    expect(answers.map((line) => line["calls"])).toEqual(ROWS.map(() => 2));
    expect(fleet.simulator.ledger().total.calls).toBe(2 * ROWS.length);
  });

  it("goes to the next step's model when one of its models is down, and calls it once more only", async () => {
    await startUp({ route: { ...route, fallback: ["beta/two"] } });
    fleet.simulator.setFault({ vendor: "alpha", fault: "outage" });
    const { answers } = await run(0);
    expect(answers.length).toBe(ROWS.length);
    expect(modelsOf(answers)).toEqual(new Set(["beta/two"]));
  });

  it("books the call that was made when its batch is cancelled before the other one is", { timeout: 60_000 }, async () => {
    await startUp({ route });
    await Promise.all([["router"], ["reroute"], ["recorder"], ["pool", "alpha"]].map(([role = "", ...of]) => fleet.start(role, ...of)));
    await fleet.command("enqueue", await fleet.file("in.jsonl", toJsonl(ROWS)), "--task", "classify", "--batch", "b").result;
    await until("the first models to be asked", () => Promise.resolve(callsOf("alpha") === ROWS.length));
    const redis = fleet.redis.client();
    await until("their answers to be brought", async () => (await redis.hlen(batchKeys("b").parts)) === ROWS.length);
    expect((await fleet.command("cancel", "b").result).code).toBe(0);
    await fleet.start("pool", "beta");
    const states = createBatchStates(redis);
    await until("the batch's end", async () => (await states.status("b"))?.state === "cancelled");
    expect(callsOf("beta")).toBe(0);

    const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
    const booked = async () => {
      const entries = [];
      for await (const entry of store.ledger("b")) entries.push(entry);
      return entries;
    };
    await until("the calls to be booked", async () => (await booked()).length === ROWS.length);
    await store.stop();
    expect(new Set((await booked()).map(({ model, outcome }) => `${model} ${outcome}`))).toEqual(new Set(["alpha/one answered"]));
    expect(totalCostNanoUsd(await booked())).toBe(fleet.simulator.ledger().total.costNanoUsd);
  });
});

describe("a refusal", () => {
  it("ends the job where the task says nothing else", async () => {
    await startUp();
    fleet.simulator.setFault({ vendor: "alpha", fault: "refusal" });
    const { answers, errors } = await run(1);
    expect(answers).toEqual([]);
    expect(codesOf(errors)).toEqual(new Set(["refused"]));
    expect(callsOf("beta")).toBe(0);
  });

  it("goes to one other model where the task says so", async () => {
    await startUp({ task: { onRefusal: "reroute" } });
    fleet.simulator.setFault({ vendor: "alpha", fault: "content-filter" });
    const { answers } = await run(0);
    expect(modelsOf(answers)).toEqual(new Set(["beta/two"]));
    expect(callsOf("alpha")).toBe(ROWS.length);
  });
});

describe("an answer that is cut off or fails its check", () => {
  for (const fault of ["cut-off", "malformed"] as const) {
    it(`${fault}: the job goes to another model and never back`, async () => {
      await startUp({ task: { attempts: 1 } });
      fleet.simulator.setFault({ vendor: "alpha", fault });
      const { answers } = await run(0);
      expect(modelsOf(answers)).toEqual(new Set(["beta/two"]));
      const perPrompt = new Map<string, number>();
      for (const call of fleet.simulator.ledger().calls ?? []) {
        if (call.vendor === "alpha") perPrompt.set(call.prompt, (perPrompt.get(call.prompt) ?? 0) + 1);
      }
      expect(Math.max(...perPrompt.values())).toBe(1);
    });
  }
});

describe("a job that no model can answer", () => {
  it("ends as an error with its trail, and as a dead letter that Retry takes up again", async () => {
    await startUp({ route: { strategy: "ordered", models: ["alpha/one"] } });
    fleet.simulator.setFault({ vendor: "alpha", fault: "cut-off" });
    await fleet.start("up", "--no-web");
    const { errors } = await run(1);
    expect(codesOf(errors)).toEqual(new Set(["exhausted"]));
    expect((errors[0]!["trail"] as unknown[]).length).toBeGreaterThan(0);
    const redis = fleet.redis.client();
    const dead = new Queue(DEAD_QUEUE, { connection: redis });
    await until("the dead letters", async () => (await dead.getFailedCount()) === ROWS.length);
    fleet.simulator.clearFaults();
    const [letter] = await dead.getFailed(0, 0);
    expect(letter!.failedReason).toContain("exhausted");
    await letter!.retry();
    const states = createBatchStates(redis);
    const status = await until("the retried row", async () => {
      const now = await states.status("b");
      return now?.round === 1 && now.state === "finished" ? now : undefined;
    });
    expect(status).toMatchObject({ answered: 1, failed: ROWS.length - 1 });
    // And all the others, by the command.
    const retried = await fleet.command("retry", "b").result;
    expect(retried.code, retried.stderr).toBe(0);
    await until("the end of the second retry", async () => (await states.status("b"))?.answered === ROWS.length);
    await until("the batch to finish", async () => (await states.status("b"))?.state === "finished");
    const out = await fleet.command("results", "b").result;
    expect(out.stdout.trim().split("\n").length).toBe(ROWS.length);
    // What was retried is no dead letter any more: pressed again, it could take an answer back.
    expect(await dead.getFailedCount()).toBe(0);
    await dead.close();
  });
});

describe("a plain BullMQ client", () => {
  let tasks: Queue;
  beforeEach(async () => {
    await startUp();
    await fleet.start("up", "--no-web");
    tasks = new Queue(taskQueue("classify"), { connection: fleet.redis.client() });
  });
  afterEach(() => tasks.close());

  it("may send jobs that name neither batch nor row: they end in the task's inbox", async () => {
    await tasks.addBulk(ROWS.slice(0, 5).map(({ text }) => ({ name: "any", data: { v: 1, input: { text } } })));
    await tasks.add("any", { v: 1, input: { text: 7 } });
    await tasks.add("any", { v: 99 });
    // Ids of the client's own, and a payload that is none.
    await tasks.add("any", { v: 1, input: { text: ROWS[5]!.text } }, { jobId: "my-own-id" });
    await tasks.add("any", "hello", { jobId: "another" });
    const states = createBatchStates(fleet.redis.client());
    await until("nine results", async () => (await states.status("inbox-classify-0"))?.stored === 9);
    expect(await states.status("inbox-classify-0")).toMatchObject({ answered: 6, failed: 3, state: "open" });
    const errors = await fleet.command("results", "inbox-classify-0", "--errors").result;
    expect(errors.stdout).toContain("text");
    expect(errors.stdout).toContain("version");
  });

  it("may name batch and row, and the total, with which the batch finishes", async () => {
    await tasks.addBulk(
      ROWS.map(({ text }, row) => ({ name: "any", data: { v: 1, batch: "mine", row, total: ROWS.length, input: { text } } })),
    );
    const states = createBatchStates(fleet.redis.client());
    const status = await until("its end", async () => {
      const now = await states.status("mine");
      return now?.state === "finished" ? now : undefined;
    });
    expect(status).toMatchObject({ total: ROWS.length, answered: ROWS.length });
  });
});

describe("SIGTERM", () => {
  it("hands unfinished calls back without using an attempt, and exits with 0", { timeout: 60_000 }, async () => {
    await startUp({ task: { attempts: 1 } });
    for (const role of [["router"], ["reroute"], ["recorder"], ["pool", "beta"]]) await fleet.start(...role);
    const pool = await fleet.start("pool", "alpha", "--grace", "0");
    fleet.simulator.setFault({ vendor: "alpha", fault: "hang" });
    const running = run(0);
    await until("calls under way", () => callsOf("alpha") > 0);
    expect(await pool.terminate()).toBe(0);
    fleet.simulator.clearFaults();
    await fleet.start("pool", "alpha");
    const { answers } = await running;
    expect(modelsOf(answers)).toEqual(new Set(["alpha/one"]));
    expect(answers.length).toBe(ROWS.length);
  });
});

describe("a model taken out of the configuration", () => {
  it("has its queue emptied back: its jobs are answered by the models that are left", { timeout: 60_000 }, async () => {
    await startUp();
    const redis = fleet.redis.client();
    const gone = new Queue(modelQueue("alpha/gone"), { connection: redis });
    const states = createBatchStates(redis);
    await states.make("b", "classify", "{}");
    await states.note("b", [{ row: 0, bytes: 10 }], { rows: 10, bytes: 1_000 });
    await states.seal("b", 1);
    await redis.sadd(fleetKeys.queues, gone.name);
    const job = { batch: "b", row: 0, task: "classify", input: { text: ROWS[0]!.text } };
    const progress = { trail: [], excluded: [], reroutes: 0, refusals: 0, enqueuedAt: Date.now() };
    const envelope = {
      job,
      hop: 1,
      round: 0,
      progress,
      step: { models: ["alpha/gone"] },
      part: 0,
      model: "alpha/gone",
      calls: 0,
      transients: 0,
    };
    await gone.add("classify", envelope, { jobId: "b.0.1.0" });
    await fleet.start("up", "--no-web");
    const status = await until("its end", async () => {
      const now = await states.status("b");
      return now?.state === "finished" ? now : undefined;
    });
    expect(status).toMatchObject({ answered: 1 });
    await gone.close();
  });
});
