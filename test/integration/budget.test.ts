import { afterEach, describe, expect, it } from "vitest";
import { createBatchStates } from "../../queues/batch-state.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";

/** Four characters to a token, by the tokenizer and by the simulator's rule of thumb: estimates are right from the first call. */
const WORDS = "the cat sat and ran far off now ".repeat(31);
const ROWS = 260;
const DOLLAR = 1_000_000_000;

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function startFleet(pools: number): Promise<TestFleet> {
  const price = { input: 40, output: 0.04 };
  const started = await startTestFleet({
    simulator: {
      vendors: {
        dear: { kind: "openai", models: { m: { price, latency: { baseMs: 300, jitterMs: 100 } } } },
      },
    },
    config: (url) => ({
      providers: {
        dear: {
          kind: "openai",
          apiKey: "${SIMULATED_KEY}",
          baseUrl: `${url}/dear/v1`,
          limits: { concurrency: 200 },
          models: { m: { price } },
        },
      },
      tasks: Object.fromEntries(
        ["bounded", "free"].map((task) => [
          task,
          { prompt: { user: "{{ input.text }}" }, route: { models: ["dear/m"] }, maxOutputTokens: 50 },
        ]),
      ),
      budgets: [{ name: "purse", scope: "task", of: "bounded", per: "all", limit: 1, action: "stop" }],
    }),
  });
  await started.start("router");
  await started.start("reroute");
  await started.start("recorder");
  for (let i = 0; i < pools; i++) await started.start("pool", "dear");
  return started;
}

/** Dollars that the vendor charged. */
const charged = (of: TestFleet) => (of.simulator.ledger().vendors["dear"]?.total.costNanoUsd ?? 0) / DOLLAR;

/** Waits until nothing more is spent for a while. */
async function quiet(of: TestFleet, from: number): Promise<number> {
  let last = charged(of);
  let since = Date.now();
  await until(
    "the fleet to spend no more",
    () => {
      const now = charged(of);
      if (now !== last) [last, since] = [now, Date.now()];
      return Promise.resolve(now > from && Date.now() - since > 3_000);
    },
    90_000,
  );
  return last;
}

describe("a budget of one dollar, and two hundred calls at once of about a cent", () => {
  it.each([1, 4])("is kept by %i pool processes, starves nothing else, and goes on by itself when it is raised", async (pools) => {
    fleet = await startFleet(pools);
    const rows = (count: number) => Array.from({ length: count }, (_, i) => JSON.stringify({ text: `${WORDS}${i}` })).join("\n");
    const bounded = await fleet.file("bounded.jsonl", rows(ROWS));
    const enqueued = await fleet.command("enqueue", bounded, "--task", "bounded", "--batch", "bounded").result;
    expect(enqueued.stderr + enqueued.code).toMatch(/0$/);

    const spent = await quiet(fleet, 0.5);
    expect(spent).toBeGreaterThanOrEqual(0.97);
    expect(spent).toBeLessThanOrEqual(1.02);
    const shown = await fleet.command("budgets").result;
    expect(shown.stdout).toMatch(/purse +all +\$1\.00 .* stop +used up/);

    // Another task on the same model isn't held up by the rows that wait.
    const free = await fleet.file("free.jsonl", rows(20));
    const states = createBatchStates(fleet.redis.client());
    await fleet.command("enqueue", free, "--task", "free", "--batch", "free").result;
    await until("the other task's end", async () => (await states.status("free"))?.state === "finished", 30_000);
    const others = charged(fleet) - spent;

    expect((await fleet.command("budgets", "raise", "purse", "--to", "2").result).code).toBe(0);
    const after = (await quiet(fleet, spent + others + 0.5)) - others;
    expect(after).toBeGreaterThanOrEqual(1.97);
    expect(after).toBeLessThanOrEqual(2.02);
    expect((await states.status("bounded"))?.failed).toBe(0);
  });
});
