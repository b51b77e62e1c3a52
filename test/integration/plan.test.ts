// A plan against the real run that follows: the same file through a fleet on the simulator, with limits that make the run take some twenty seconds. Cost is held to
// a tenth and time to 15 % where there is a history; without one the real figures must lie in the printed range.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Plan } from "../../scripts/plan-make.ts";
import { readRecording, recordedFleet, replayOptions, RECORDED_TASK, toInput } from "../../scripts/bench-pilot-setup.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { PlannedRoute } from "../../src/plan/plan.ts";
import { createSummary } from "../../src/report/summary.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";
import { createFileStore } from "../../src/results/file-store.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { startTestFleet, type TestFleet, type TestFleetOptions } from "../support/fleet.ts";

const DATA = resolve(import.meta.dirname, "../../../shared/data");
const MEETINGS = resolve(DATA, "meetings-qmsum.jsonl");
const GSM8K = resolve(DATA, "recorded-gsm8k.jsonl");

let fleet: TestFleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  fleet = undefined;
});

async function start(options: TestFleetOptions, rows: string): Promise<TestFleet> {
  fleet = await startTestFleet(options);
  await fleet.file("rows.jsonl", rows);
  return fleet;
}

async function plan(of: TestFleet, task: string, ...args: readonly string[]): Promise<{ readonly plan: Plan; readonly own: PlannedRoute }> {
  const { code, stdout, stderr } = await of.command("plan", `${of.dir}/rows.jsonl`, "--task", task, "--json", ...args).result;
  expect(code, stderr).toBe(0);
  const made = JSON.parse(stdout) as Plan;
  return { plan: made, own: made.routes[0]! };
}

interface Real {
  readonly costNanoUsd: number;
  readonly calls: number;
  readonly timeMs: number;
}

/** Cost by the vendors' own ledger; time as the run's report has it, from the first row's beginning to the last one's end. */
async function run(of: TestFleet, task: string, batch: string, file = "rows.jsonl"): Promise<Real> {
  const before = of.simulator.ledger().total;
  const out = `${of.dir}/${batch}.out.jsonl`;
  const { code, stderr } = await of.command("run", `${of.dir}/${file}`, "--task", task, "--batch", batch, "-o", out).result;
  expect(code, stderr).toBe(0);
  const after = of.simulator.ledger().total;
  const summary = createSummary();
  const store = createFileStore({ dir: join(of.dir, "data", "store") });
  for await (const result of store.read(batch)) summary.add(result);
  await store.stop();
  return { costNanoUsd: after.costNanoUsd - before.costNanoUsd, calls: after.calls - before.calls, timeMs: summary.read().wallMs };
}

function expectInRange({ costNanoUsd, timeMs, worstCostNanoUsd }: PlannedRoute, real: Real): void {
  expect(real.costNanoUsd).toBeGreaterThanOrEqual(costNanoUsd.low);
  expect(real.costNanoUsd).toBeLessThanOrEqual(costNanoUsd.high);
  expect(worstCostNanoUsd).toBeGreaterThanOrEqual(costNanoUsd.high);
  expect(real.timeMs).toBeGreaterThanOrEqual(timeMs.low);
  expect(real.timeMs).toBeLessThanOrEqual(timeMs.high);
}

function expectClose({ costNanoUsd, timeMs }: PlannedRoute, real: Real): void {
  if (readEnvironment().variable("PLAN_FIGURES")) process.stderr.write(`${JSON.stringify({ costNanoUsd, timeMs, real })}\n`);
  expect(Math.abs(costNanoUsd.expected / real.costNanoUsd - 1), "cost").toBeLessThan(0.1);
  expect(Math.abs(timeMs.expected / real.timeMs - 1), "time").toBeLessThan(0.15);
}

describe("a plan, and the run of the same file", { timeout: 120_000 }, () => {
  it("of a task that is bound by requests a minute: after a sample", async () => {
    const rows = classifyRows(420);
    const of = await start(
      { simulator: classifySimulator(rows, { latencyMs: 100 }), config: classifyConfig({ limits: { rpm: 1_200, tpm: 50_000_000 } }) },
      toJsonl(rows),
    );
    const blind = await plan(of, "classify");
    expect(blind.plan.history.answers).toBe(0);
    const sampled = await plan(of, "classify", "--sample", "40");
    expect(sampled.own.boundBy).toBe("alpha/one: rpm");
    const real = await run(of, "classify", "all");
    expect(sampled.own.calls.expected).toBe(real.calls);
    expectClose(sampled.own, real);
    expectInRange(blind.own, real);
  });

  it.skipIf(!existsSync(MEETINGS))(
    `of one that is bound by tokens a minute: after a former run${existsSync(MEETINGS) ? "" : " (skipped: ../shared/data/meetings-qmsum.jsonl is missing)"}`,
    async () => {
      const lines = (await readFile(MEETINGS, "utf8")).trim().split("\n");
      const limits = { rpm: 60_000, itpm: 1_400_000, otpm: 1_400_000 };
      const price = { input: 1, output: 5 };
      const of = await start(
        {
          simulator: {
            answers: { file: MEETINGS, textField: "query", answerField: "reference" },
            vendors: { vendor: { kind: "anthropic", latency: { baseMs: 200, jitterMs: 400 }, models: { reader: { price, limits } } } },
          },
          config: (url) => ({
            providers: {
              vendor: { kind: "anthropic", apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/vendor`, models: { reader: { price, limits } } },
            },
            tasks: {
              summarize: {
                prompt: { user: "{{ input.query }}\n\n{{ input.excerpt }}" },
                output: { type: "object", required: ["answer"], properties: { answer: { type: "string" } } },
                route: ["vendor/reader"],
                maxOutputTokens: 1_000,
              },
            },
          }),
        },
        `${lines.filter((_, i) => i < 450 && i % 3 > 0).join("\n")}\n`,
      );
      await of.file("some.jsonl", `${lines.filter((_, i) => i < 450 && i % 6 === 0).join("\n")}\n`);
      const blind = await plan(of, "summarize");
      await run(of, "summarize", "some", "some.jsonl");
      const learned = await plan(of, "summarize");
      expect(learned.own.boundBy).toBe("vendor/reader: itpm");
      const real = await run(of, "summarize", "all");
      expectClose(learned.own, real);
      expectInRange(blind.own, real);
    },
  );

  it.skipIf(!existsSync(GSM8K))(
    `of a cascade: two cheap models agree, else a dear one decides: after a sample${existsSync(GSM8K) ? "" : " (skipped: ../shared/data/recorded-gsm8k.jsonl is missing)"}`,
    async () => {
      const cheap: readonly ModelId[] = ["google/gemini-1.5-flash", "openai/gpt-4o-mini-2024-07-18"];
      const dear: ModelId = "anthropic/claude-3-5-sonnet-20241022";
      const models = [...cheap, dear];
      const limited = (options: object, providers: "vendors" | "providers") => {
        const all = structuredClone(options) as Record<string, Record<string, { models: Record<string, { limits: { rpm: number } }> }>>;
        for (const vendor of ["google", "openai"])
          for (const model of Object.values(all[providers]![vendor]!.models)) model.limits.rpm = 1_950;
        return all;
      };
      const task = { route: [{ agree: cheap, on: "answer" }, dear] };
      const of = await start(
        {
          simulator: limited(replayOptions(GSM8K, models), "vendors") as unknown as TestFleetOptions["simulator"],
          config: (url) => limited(recordedFleet(url, models, task), "providers"),
        },
        toInput(await readRecording(GSM8K)),
      );
      const blind = await plan(of, RECORDED_TASK);
      const sampled = await plan(of, RECORDED_TASK, "--sample", "400", "--baseline", dear);
      expect(sampled.plan.history.trialRows).toBe(400);
      const real = await run(of, RECORDED_TASK, "all");
      expectClose(sampled.own, real);
      expectInRange(blind.own, real);
      const again = await plan(of, RECORDED_TASK);
      expectClose(again.own, real);
    },
  );
});
