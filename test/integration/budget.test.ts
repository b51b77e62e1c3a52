import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Queue } from "bullmq";
import { createBatchStates } from "../../queues/batch-state.ts";
import { taskQueue } from "../../src/runtime/keys.ts";
import { promptDigest } from "../../src/simulator/simulator-ledger.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

/** Four characters to a token, by the tokenizer and by the simulator's rule of thumb: estimates are right from the first call. */
const WORDS = "the cat sat and ran far off now ".repeat(31);
const DOLLAR = 1_000_000_000;
/** A call costs about a cent there, and a thousandth of that here. */
const DEAR = { input: 40, output: 0.04 };
const CHEAP = { input: 0.04, output: 0.04 };
const FREE = { input: 0, output: 0 };

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

interface TaskOptions {
  readonly models?: readonly (string | object)[];
  readonly strategy?: string;
  readonly timeout?: string;
}

async function startFleet(options: {
  readonly tasks: Readonly<Record<string, TaskOptions>>;
  readonly budgets: readonly object[];
  readonly pools?: number;
  readonly latencyMs?: number;
}) {
  const { tasks, budgets, pools = 1, latencyMs = 300 } = options;
  const latency = { baseMs: latencyMs, jitterMs: latencyMs / 3 };
  const vendors = { dear: { m: DEAR, other: DEAR, free: FREE }, spare: { m: CHEAP }, third: { m: DEAR } };
  const started = await startTestFleet({
    simulator: {
      callLog: true,
      vendors: Object.fromEntries(
        Object.entries(vendors).map(([name, models]) => [
          name,
          {
            kind: "openai" as const,
            models: Object.fromEntries(Object.entries(models).map(([model, price]) => [model, { price, latency }])),
          },
        ]),
      ),
    },
    config: (url) => ({
      providers: Object.fromEntries(
        Object.entries(vendors).map(([name, models]) => [
          name,
          {
            kind: "openai",
            apiKey: "${SIMULATED_KEY}",
            baseUrl: `${url}/${name}/v1`,
            limits: { concurrency: 200 },
            models: Object.fromEntries(Object.entries(models).map(([model, price]) => [model, { price }])),
          },
        ]),
      ),
      tasks: Object.fromEntries(
        Object.entries(tasks).map(([task, { models = ["dear/m"], strategy, ...rest }]) => [
          task,
          { prompt: { user: "{{ input.text }}" }, route: { models, ...(strategy ? { strategy } : {}) }, maxOutputTokens: 50, ...rest },
        ]),
      ),
      budgets,
      queues: { lock: "3s", stalledCheck: "1s" },
    }),
  });
  fleet = started;
  await Promise.all(["router", "reroute", "recorder"].map((role) => started.start(role)));
  const startPool = (provider: string) => started.start("pool", provider);
  const first = await Promise.all([...Array.from({ length: pools }, () => "dear"), "spare", "third"].map(startPool));

  const redis = started.redis.client();
  const states = createBatchStates(redis);
  const queues = new Map<string, Queue>();
  const textOf = (batch: string, row: number) => `${WORDS}${batch} ${row}`;
  const batches = new Map<string, string>();

  /** Dollars that the vendors charged for rows of this batch, at this model where one is named. */
  const charged = (batch: string, model?: string) =>
    (started.simulator.ledger().calls ?? []).reduce((sum, call) => {
      const isIts = batches.get(call.prompt) === batch && (model === undefined || `${call.vendor}/${call.model}` === model);
      return isIts ? sum + call.costNanoUsd / DOLLAR : sum;
    }, 0);

  return {
    started,
    charged,
    pools: first,
    startPool,
    /** As any client of BullMQ may. */
    send: async (batch: string, task: string, rows: number, terms: object = {}) => {
      const queue = queues.get(task) ?? new Queue(taskQueue(task), { connection: redis });
      queues.set(task, queue);
      for (let row = 0; row < rows; row++) batches.set(promptDigest(textOf(batch, row)), batch);
      await queue.addBulk(
        Array.from({ length: rows }, (_, row) => ({
          name: task,
          data: { v: 1, batch, row, total: rows, input: { text: textOf(batch, row) }, ...terms },
        })),
      );
    },
    status: (batch: string) => states.status(batch),
    isFinished: async (batch: string) => (await states.status(batch))?.state === "finished",
    command: async (...args: string[]) => {
      const { code, stdout, stderr } = await started.command(...args).result;
      expect(code, stderr).toBe(0);
      return stdout;
    },
    /** Waits until the vendors have charged nothing for three seconds. */
    quiet: async () => {
      let last = -1;
      let since = 0;
      await until(
        "the fleet to spend no more",
        () => {
          const now = started.simulator.ledger().total.costNanoUsd;
          if (now !== last) [last, since] = [now, performance.now()];
          return performance.now() - since > 3_000;
        },
        90_000,
      );
    },
  };
}

/** Rows that a budget has put off come back after some seconds: a machine that is busy elsewhere may be quiet before. */
async function usedUp(spent: () => number, limit: number): Promise<void> {
  await until("the budget to be used up", () => spent() >= 0.97 * limit, 60_000);
}

/** What two hundred calls in flight may pass it by, for their answers are a token longer or shorter than expected. */
function expectSpent(dollars: number, limit: number): void {
  expect(dollars).toBeGreaterThanOrEqual(0.97 * limit);
  expect(dollars).toBeLessThanOrEqual(1.02 * limit);
}

describe("a budget of one dollar, and two hundred calls at once of about a cent", () => {
  it.each([1, 2, 4])(
    "is kept by %i pool processes, starves nothing else, and goes on by itself when it is raised",
    async (pools) => {
      const running = await startFleet({
        pools,
        tasks: { bounded: {}, free: {} },
        budgets: [{ name: "purse", scope: "task", of: "bounded", per: "all", limit: 1, action: "stop" }],
      });
      const { send, charged, quiet, status, command, isFinished } = running;
      const bounded = () => charged("bounded") + charged("another");
      // Of one task two batches, and beside them another task on the same model: two hundred of its rows come while the others use their budget up.
      await Promise.all([send("bounded", "bounded", 200), send("another", "bounded", 60), send("free", "free", 200)]);
      await until("the other task's end", () => isFinished("free"));
      await usedUp(bounded, 1);
      await quiet();
      expectSpent(bounded(), 1);
      expect(await command("budgets")).toMatch(/purse +all +\$1\.00 .* stop +(used up|no room for \$0\.0\d+)$/m);

      // And what comes when it is used up isn't held up by the rows that wait.
      await send("later", "free", 20);
      await until("the other task's next batch", () => isFinished("later"));
      expectSpent(bounded(), 1);

      await command("budgets", "raise", "purse", "--to", "2");
      const raisedAt = performance.now();
      const before = bounded();
      await until("it to go on", () => bounded() > before, 10_000);
      const wentOnMs = performance.now() - raisedAt;
      await usedUp(bounded, 2);
      await quiet();
      expectSpent(bounded(), 2);
      console.log(
        `${pools} pools: $${before.toFixed(3)} of $1, charged again ${Math.round(wentOnMs)} ms after it was raised (a call takes 0.3 s), then $${bounded().toFixed(3)} of $2`,
      );
      for (const batch of ["bounded", "another"]) expect(await status(batch)).toMatchObject({ failed: 0 });
    },
    180_000,
  );
});

describe("budgets of every scope by day, all at once", () => {
  it("keep each what falls under them, degrade to cheaper models or only tell, and go on when they are raised", async () => {
    const limit = 0.5;
    const rows = 90;
    const day = { per: "day", limit } as const;
    const { send, charged, quiet, status, command, isFinished } = await startFleet({
      pools: 2,
      tasks: { plain: {}, other: { models: ["dear/other"] }, third: { models: ["third/m"] }, either: { models: ["dear/m", "spare/m"] } },
      budgets: [
        { name: "tag", scope: "tag", of: "team=red", ...day },
        { name: "tenant", scope: "tenant", ...day },
        { name: "model", scope: "model", of: "dear/other", ...day },
        { name: "provider", scope: "provider", of: "third", ...day },
        { name: "batch", scope: "batch", of: "batch", ...day },
        { name: "degrade", scope: "task", of: "either", ...day, action: "degrade", below: { input: 1, output: 1 } },
        { name: "alert", scope: "batch", of: "alert", ...day, action: "alert" },
      ],
    });
    await Promise.all([
      send("tag", "plain", rows, { tags: { team: "red" } }),
      send("tenant", "plain", rows, { tenant: "acme" }),
      send("tenant2", "plain", rows, { tenant: "bolt" }),
      send("model", "other", rows),
      send("provider", "third", rows),
      send("batch", "plain", rows),
      send("degrade", "either", rows),
      send("alert", "plain", rows),
      send("none", "plain", rows, { tags: { team: "blue" } }),
    ]);
    await until("those that nothing stops", async () => (await Promise.all(["degrade", "alert", "none"].map(isFinished))).every(Boolean));
    const stopped = ["tag", "tenant", "tenant2", "model", "provider", "batch"];
    for (const batch of stopped) await usedUp(() => charged(batch), limit);
    await usedUp(() => charged("degrade", "dear/m"), limit);
    await quiet();
    console.log(
      `of $0.5 each: ${JSON.stringify(Object.fromEntries([...stopped, "degrade", "alert", "none"].map((batch) => [batch, charged(batch)])))}`,
    );
    for (const batch of stopped) expectSpent(charged(batch), limit);
    expectSpent(charged("degrade", "dear/m"), limit);
    expect(charged("degrade", "spare/m")).toBeGreaterThan(0);
    expect(charged("alert")).toBeGreaterThan(1.5 * limit);
    const shown = await command("budgets");
    for (const title of ["tag", "tenant", "model", "provider", "batch", "degrade", "alert"])
      expect(shown).toMatch(new RegExp(`^${title}.* (used up|no room for \\$0\\.0\\d+)$`, "m"));
    expect(await command("status")).toMatch(/alert/);

    // Raised they go on; one that is lowered stays as it is.
    const before = charged("tag");
    await command("budgets", "raise", "tag", "--to", "0.1");
    for (const name of ["tenant", "model", "provider", "batch"]) await command("budgets", "raise", name, "--to", "5");
    await until("the others' ends", async () =>
      (await Promise.all(stopped.filter((batch) => batch !== "tag").map(isFinished))).every(Boolean),
    );
    expect(charged("tag")).toBe(before);
    await command("budgets", "raise", "tag", "--to", "5");
    await until("the last one's end", () => isFinished("tag"));
    for (const batch of stopped) expect(await status(batch)).toMatchObject({ failed: 0, done: rows });
  }, 180_000);
});

describe("a budget of the whole fleet, and a model that costs nothing beside one that does", () => {
  it("comes to what the vendors charged, with nothing left reserved", async () => {
    const { started, send, charged, status, command, isFinished } = await startFleet({
      tasks: {
        either: {
          strategy: "weighted",
          models: [
            { model: "dear/m", weight: 1 },
            { model: "dear/free", weight: 2 },
          ],
        },
      },
      budgets: [{ name: "purse", scope: "fleet", per: "all", limit: 5 }],
      // Without jitter: calls end together.
      latencyMs: 0,
    });
    await send("either", "either", 150);
    await until("the end", () => isFinished("either"), 60_000);
    const { answered, costNanoUsd, calls } = (await status("either"))!;
    expect({ answered, calls }).toEqual({ answered: 150, calls: 150 });
    const paid = Math.round(charged("either") * DOLLAR);
    expect(paid).toBeGreaterThan(0);
    expect(costNanoUsd).toBe(paid);
    const purse = async () => (JSON.parse(await command("budgets", "--json")) as readonly Record<string, unknown>[])[0]!;
    await until("the last call to be settled", async () => (await purse())["reservedNanoUsd"] === 0);
    expect(await purse()).toMatchObject({ spentNanoUsd: paid });
    expect(await readFile(join(started.dir, "fleet.log"), "utf8")).not.toContain("processor failed");
  }, 90_000);
});

describe("a run whose rows a budget holds", () => {
  it("says so while it waits, and at its patience's end which budget it is, how it stands and how to raise it", async () => {
    const { started, status } = await startFleet({
      tasks: { bounded: {}, other: {} },
      budgets: [
        { name: "purse", scope: "fleet", per: "day", limit: 0.05 },
        { name: "others", scope: "task", of: "other", per: "day", limit: 0.001 },
      ],
    });
    const rows = (count: number) => Array.from({ length: count }, (_, row) => `${JSON.stringify({ text: `${WORDS}${row}` })}\n`).join("");
    const file = await started.file("held.jsonl", rows(20));
    // Budgets of other rows refuse as well, and are none of its business.
    const others = await started.command("run", await started.file("other.jsonl", rows(1)), "-t", "other", "--patience", "5s").result;
    expect(others).toMatchObject({ code: 1, stderr: expect.stringMatching(/held by budget others: \$0\.00 of \$0\.0010 spent/) });

    const { code, stderr } = await started.command("run", file, "-t", "bounded", "--batch", "held", "--patience", "9s").result;
    expect(code, stderr).toBe(1);
    expect(await status("held")).toMatchObject({ failed: 0 });
    expect(stderr).toMatch(/^\d+ of 20 .* · held by budget purse: \$0\.0\d+ of \$0\.0500 spent/m);
    expect(stderr).toMatch(
      /^modelfleet: no row has ended for 9 s: held by budget purse: \$0\.0\d+ of \$0\.0500 spent, a call is expected to cost \$0\.0/m,
    );
    expect(stderr).toMatch(/^ {2}To go on: modelfleet budgets raise purse --to DOLLARS\. Nothing is lost: the same command again/m);
    expect(stderr).not.toContain("others");
  }, 90_000);
});

describe("a pool that is killed with a hundred calls in flight", () => {
  it("leaves its reservations: what it asked for is not spent twice, and the budget goes on when it is raised", async () => {
    const { send, charged, quiet, status, command, isFinished, pools, startPool, started } = await startFleet({
      tasks: { bounded: {} },
      budgets: [{ name: "purse", scope: "task", of: "bounded", per: "all", limit: 1, action: "stop" }],
      latencyMs: 1_500,
    });
    await send("bounded", "bounded", 150);
    await until("a hundred calls to be in flight", () => (started.simulator.state().vendors["dear"]?.models["m"]?.inFlight ?? 0) >= 60);
    await pools[0]!.kill();
    await startPool("dear");
    await quiet();
    console.log(`killed with calls in flight: $${charged("bounded").toFixed(3)} of $1\n${await command("budgets")}`);
    // The vendor answered all of them, and nobody was there.
    expect(charged("bounded")).toBeGreaterThan(0.5);
    expect(charged("bounded")).toBeLessThanOrEqual(1.02);
    await command("budgets", "raise", "purse", "--to", "5");
    await until("the end", () => isFinished("bounded"));
    expect(await status("bounded")).toMatchObject({ failed: 0, done: 150 });
  }, 120_000);
});
