// A plan and the real run that follows, held against each other: both by the command line, on a simulator whose limits make a run take some ten or twenty seconds.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Plan, PlannedRoute } from "../../src/plan/plan.ts";
import { splitModelId, type ModelId } from "../../src/job/names.ts";
import { createSummary } from "../../src/report/summary.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { LABELS, type ClassifyRow } from "./classify.ts";
import { startTestFleet, type TestFleet, type TestFleetOptions } from "./fleet.ts";

export interface Planned {
  readonly plan: Plan;
  /** The task's own route. */
  readonly own: PlannedRoute;
}

export interface Real {
  readonly costNanoUsd: number;
  readonly calls: number;
  readonly timeMs: number;
  /** Rows that ended without an answer. */
  readonly failed: number;
}

export interface PlanFleet {
  readonly fleet: TestFleet;
  /** Of `rows.jsonl`, unless `file` says another one. */
  plan(...args: readonly string[]): Promise<Planned>;
  run(batch: string, file?: string): Promise<Real>;
  /** What the fleet has learned is gone; the store stays. */
  forget(): Promise<void>;
  /** From the next command on. */
  configure(config: TestFleetOptions["config"]): Promise<void>;
}

/** `rows`: the content of `rows.jsonl`, that is planned. */
export async function startPlanFleet({
  task,
  rows,
  ...options
}: TestFleetOptions & { readonly task: string; readonly rows: string }): Promise<PlanFleet> {
  let url = "";
  const withUrl = (simulatorUrl: string) => options.config((url = simulatorUrl));
  const fleet = await startTestFleet({ ...options, config: withUrl });
  await fleet.file("rows.jsonl", rows);
  return {
    fleet,
    async plan(...args) {
      const { code, stdout, stderr } = await fleet.command("plan", `${fleet.dir}/rows.jsonl`, "--task", task, "--json", ...args).result;
      expect(code, stderr).toBe(0);
      const plan = JSON.parse(stdout) as Plan;
      return { plan, own: plan.routes[0]! };
    },
    /** Cost by the vendors' own ledger; time as the run's report has it, from the first row's beginning to the last one's end. */
    async run(batch, file = "rows.jsonl") {
      const before = fleet.simulator.ledger().total;
      const out = `${fleet.dir}/${batch}.out.jsonl`;
      const { code, stderr } = await fleet.command("run", `${fleet.dir}/${file}`, "--task", task, "--batch", batch, "-o", out).result;
      const after = fleet.simulator.ledger().total;
      const summary = createSummary();
      const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
      for await (const result of store.read(batch)) summary.add(result);
      await store.stop();
      const { wallMs: timeMs, failed } = summary.read();
      expect(code, stderr).toBe(failed > 0 ? 1 : 0);
      return { costNanoUsd: after.costNanoUsd - before.costNanoUsd, calls: after.calls - before.calls, timeMs, failed };
    },
    async forget() {
      await fleet.redis.client().flushall();
    },
    configure: (config) => writeFile(fleet.config, JSON.stringify(config(url))),
  };
}

/** What was printed holds, cost and time. */
export function expectInRange(route: PlannedRoute, real: Real): void {
  expectCostInRange(route, real);
  const { timeMs } = route;
  expect(real.timeMs).toBeGreaterThanOrEqual(timeMs.low);
  expect(real.timeMs).toBeLessThanOrEqual(timeMs.high);
}

export function expectCostInRange(route: PlannedRoute, real: Real): void {
  tell("in range", route, real);
  const { costNanoUsd, worstCostNanoUsd } = route;
  expect(real.costNanoUsd).toBeGreaterThanOrEqual(costNanoUsd.low);
  expect(real.costNanoUsd).toBeLessThanOrEqual(costNanoUsd.high);
  expect(worstCostNanoUsd).toBeGreaterThanOrEqual(costNanoUsd.high);
}

/** As shares: a tenth of the cost, 15 % of the time, unless said otherwise. */
export function expectClose(route: PlannedRoute, real: Real, within: { readonly cost?: number; readonly time?: number } = {}): void {
  const { costNanoUsd } = route;
  expectTimeClose(route, real, within.time);
  expect(Math.abs(costNanoUsd.expected / real.costNanoUsd - 1), "cost").toBeLessThan(within.cost ?? 0.1);
}

export function expectTimeClose(route: PlannedRoute, real: Real, within = 0.15): void {
  tell("close", route, real);
  expect(Math.abs(route.timeMs.expected / real.timeMs - 1), "time").toBeLessThan(within);
}

/** With PLAN_FIGURES in the environment. */
function tell(what: string, { costNanoUsd, timeMs, calls, boundBy }: PlannedRoute, real: Real): void {
  if (!readEnvironment().variable("PLAN_FIGURES")) return;
  const scene = expect.getState().currentTestName;
  process.stderr.write(`${JSON.stringify({ scene, what, costNanoUsd, timeMs, calls: calls.expected, boundBy, real })}\n`);
}

export interface PlayedModelOptions {
  readonly kind?: "openai" | "openai-compatible";
  /** As configured; the vendor's own unless `vendorLimits` are given. */
  readonly limits?: Readonly<Record<string, number>>;
  readonly vendorLimits?: Readonly<Record<string, number>>;
  readonly latency?: object;
  /** Dollars per million tokens. */
  readonly price?: { readonly input: number; readonly output: number };
  /** Laid over the model's options of the simulator. */
  readonly simulated?: object;
}

const LATENCY = { baseMs: 100, jitterMs: 100 };
const PRICE = { input: 1, output: 4 };
export const DEAR = { input: 3, output: 12 };

/** A fleet that sorts tickets by the models given, and the vendors for it. `task`: laid over the task, its route at least. */
export function ticketVendors(
  rows: readonly ClassifyRow[],
  models: Readonly<Record<ModelId, PlayedModelOptions>>,
  task: object,
): Pick<TestFleetOptions, "simulator" | "config"> & { readonly task: string } {
  const vendors: Record<string, { kind: string; models: Record<string, object> }> = {};
  for (const [id, { kind = "openai", limits = {}, vendorLimits = limits, latency = LATENCY, price = PRICE, simulated }] of Object.entries(
    models,
  )) {
    const { provider, name } = splitModelId(id as ModelId);
    vendors[provider] ??= { kind, models: {} };
    vendors[provider].models[name] = { price, latency, limits: vendorLimits, ...simulated };
  }
  const entries = rows.map(({ text, label }) => ({ text, label }));
  return {
    task: "sort",
    simulator: { answers: { entries, labels: [...LABELS] }, vendors: vendors as SimulatorOptionsInput["vendors"] },
    config: (url) => ({ providers: providersOf(url, models), tasks: { sort: { ...SORT, ...task } }, web: { port: 0 } }),
  };
}

const SORT = {
  prompt: { system: "You sort support tickets.", user: "Ticket: {{ input.text }}" },
  input: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
  output: { type: "object", required: ["label"], properties: { label: { enum: [...LABELS] } } },
  timeout: "20s",
};

function providersOf(url: string, models: Readonly<Record<ModelId, PlayedModelOptions>>): object {
  const providers: Record<string, { kind: string; apiKey: string; baseUrl: string; models: Record<string, object> }> = {};
  for (const [id, { kind = "openai", limits = {}, price = PRICE }] of Object.entries(models)) {
    const { provider, name } = splitModelId(id as ModelId);
    providers[provider] ??= { kind, apiKey: "${SIMULATED_KEY}", baseUrl: `${url}/${provider}/v1`, models: {} };
    providers[provider].models[name] = { tier: "fast", price, limits };
  }
  return providers;
}
