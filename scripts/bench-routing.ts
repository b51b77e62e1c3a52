// npm run bench:routing: what a routing decision costs, in microseconds of CPU: what the job needs, its analysis, the filters, the order, the binding. No Redis, no
// network: the models are as a router's copy has them, twenty of five providers, each with statistics of its own.

import { Command } from "commander";
import type { Job } from "../src/job/job.ts";
import type { ModelSpec } from "../src/job/model.ts";
import { modelId, type ModelId } from "../src/job/names.ts";
import { freshProgress } from "../src/job/progress.ts";
import type { Route, Step, Strategy, TaskSpec } from "../src/job/task.ts";
import { analyse } from "../src/routing/analyse.ts";
import { bind } from "../src/routing/bind.ts";
import type { ModelStats } from "../src/routing/model-stats.ts";
import type { ModelView } from "../src/routing/model-view.ts";
import { needsOf } from "../src/routing/needs.ts";
import { UsageError } from "../src/job/errors.ts";
import { median, renderTable } from "./bench-report.ts";
import { rounded } from "./bench-limits-report.ts";
import { reportError, say } from "./terminal.ts";

const PROVIDERS = 5;
const MODELS = 20;
const AIM_US = 100;
const TIERS = ["fast", "standard", "premium"] as const;
const LONG_ROW_CHARACTERS = 40_000;

interface Work {
  readonly title: string;
  readonly jobs: readonly Job[];
}

interface Measured {
  readonly strategy: string;
  readonly work: string;
  /** Medians over the rounds. */
  readonly firstUs: number;
  readonly againUs: number;
}

const program = new Command("bench:routing")
  .description("CPU of a routing decision with twenty models, by strategy; a table, then one line of JSON")
  .option("--quick", "fewer decisions, less exact: two seconds")
  .option("--rounds <number>", "rounds of each strategy", "9");

try {
  bench(program.parse().opts<{ readonly quick?: boolean; readonly rounds: string }>());
} catch (error) {
  process.exitCode = reportError(error);
}

function bench({ quick, rounds }: { readonly quick?: boolean; readonly rounds: string }): void {
  if (!/^[1-9]\d{0,3}$/.test(rounds)) throw new UsageError(`"${rounds}" is not a whole number above zero`);
  const models = makeModels();
  const view = makeView(models);
  const tickets: Work = { title: "ticket", jobs: makeJobs(quick ? 1_000 : 4_000, ticketText) };
  const long: Work = { title: "40 kB", jobs: makeJobs(quick ? 40 : 200, longText) };
  say(`measuring: ${Object.keys(strategies([])).length} strategies …`);
  const measured = Object.keys(strategies([])).flatMap((name) =>
    [tickets, long].map((work) => measure(name, work, models, view, quick ? 3 : Number(rounds))),
  );
  const rows = measured.map(({ strategy, work, firstUs, againUs }) => [
    strategy,
    work,
    firstUs.toFixed(1),
    againUs.toFixed(1),
    work === tickets.title ? `≤ ${AIM_US} µs ${firstUs <= AIM_US ? "reached" : "missed"}` : "",
  ]);
  const head = ["strategy", "row", "µs, first time", "µs, again", "aim"];
  process.stdout.write(`\nCPU of a routing decision, ${MODELS} models (medians)\n${renderTable([head, ...rows])}\n`);
  process.stdout.write(
    "  First time: needs, analysis, filters, order, binding. Again: a job that waits is bound anew; needs and analysis are known.\n\n",
  );
  const data = measured.map(({ firstUs, againUs, ...rest }) => ({ ...rest, firstUs: rounded(firstUs, 2), againUs: rounded(againUs, 2) }));
  process.stdout.write(`${JSON.stringify({ bench: "routing", models: MODELS, decisions: data })}\n`);
}

function measure(strategy: string, { title, jobs }: Work, models: readonly ModelSpec[], view: ModelView, rounds: number): Measured {
  const task = makeTask(models, strategy);
  const progress = freshProgress(0);
  const first = () => {
    for (const job of jobs) {
      const needs = needsOf(job, task);
      bindOrFail({ task, job, progress, needs, analysis: analyse(job, task, needs.inputTokens) }, view);
    }
  };
  const known = jobs.map((job) => {
    const needs = needsOf(job, task);
    return { task, job, progress, needs, analysis: analyse(job, task, needs.inputTokens) };
  });
  const again = () => {
    for (const subject of known) bindOrFail(subject, view);
  };
  const [firstUs, againUs] = [first, again].map((run) => {
    run(); // the compiler's turn
    return median(Array.from({ length: rounds }, () => cpuUs(run) / jobs.length));
  });
  return { strategy, work: title, firstUs: firstUs!, againUs: againUs! };
}

function bindOrFail(...[subject, view]: Parameters<typeof bind>): void {
  const binding = bind(subject, view);
  if (binding.kind !== "bound") throw new Error(`a decision that ends as ${binding.kind} is not what is measured`);
}

function cpuUs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function makeModels(): readonly ModelSpec[] {
  return Array.from({ length: MODELS }, (_, i) => {
    const provider = `vendor-${i % PROVIDERS}`;
    const name = `model-${i}`;
    const price = { input: 100_000 * (1 + i), output: 400_000 * (1 + i), cachedInput: 50_000 * (1 + i), cacheWrite: 100_000 * (1 + i) };
    return {
      id: modelId(provider, name),
      provider,
      name,
      tier: TIERS[i % 3]!,
      price,
      limits: { rpm: 1_000 },
      // The first of each strategy may be too small: some are filtered.
      contextWindow: i % 7 === 0 ? 8_000 : 128_000,
      maxOutputTokens: 4_096,
      capabilities: { jsonSchema: i % 6 !== 0, images: true, tools: true },
      barredFor: { pii: i % 5 === 0 ? "it must stay in eu" : null },
    };
  });
}

function makeView(models: readonly ModelSpec[]): ModelView {
  const byId = new Map(models.map((model) => [model.id, model]));
  const stats = new Map<ModelId, ModelStats>(
    models.map(({ id }, i) => [
      id,
      {
        calls: 20 * i,
        answerRate: 0.99,
        passRate: 0.9 + i / 250,
        p50Ms: 400 + 50 * i,
        p95Ms: 2_000,
        inputTokens: 200,
        outputTokens: 20 + i,
      },
    ]),
  );
  return {
    model: (id) => byId.get(id),
    availability: () => ({ kind: "available" }),
    expectedWaitMs: (id) => (stats.get(id)?.calls ?? 0) * 10,
    stats: (_task, id) => stats.get(id)!,
    isDemoted: () => false,
    whyShut: () => undefined,
  };
}

function makeTask(models: readonly ModelSpec[], strategy: string): TaskSpec {
  const single = models.slice(0, MODELS - 4).map(({ id }): Step => ({ models: [id] }));
  const pair: Step = { models: [models[1]!.id, models[2]!.id], agree: { on: ["label"] } };
  const steps = [pair, ...single];
  const route: Route = {
    strategy: strategies(steps)[strategy]!,
    steps,
    fallback: models.slice(MODELS - 4).map(({ id }) => ({ models: [id] })),
    quality: { [models[3]!.id]: 0.95 },
  };
  return {
    name: "classify",
    prompt: { system: "You sort support tickets. Answer with exactly one label.", user: "Ticket: {{ input.text }}" },
    output: { type: "object", required: ["label"], properties: { label: { enum: ["billing", "delivery", "technical"] } } },
    route,
    checks: [],
    dataClass: { default: "pii" },
    attempts: 4,
    timeoutMs: 60_000,
    patienceMs: 60_000,
    onRefusal: "fail",
  };
}

function strategies(steps: readonly Step[]): Readonly<Record<string, Strategy>> {
  const third = Math.ceil(steps.length / 3);
  const bands = [0.3, 0.6, 1].map((upTo, i) => ({ upTo, steps: steps.slice(i * third, (i + 1) * third) }));
  return {
    ordered: { kind: "ordered" },
    cheapest: { kind: "cheapest" },
    fastest: { kind: "fastest" },
    best: { kind: "best" },
    soonest: { kind: "soonest" },
    balanced: { kind: "balanced", quality: 2, cost: 1, speed: 1 },
    weighted: { kind: "weighted", weights: steps.map((_, i) => 1 + (i % 4)) },
    complexity: { kind: "complexity", bands },
  };
}

function makeJobs(count: number, text: (i: number) => string): readonly Job[] {
  return Array.from({ length: count }, (_, row) => ({ batch: "bench", row, task: "classify", input: { text: text(row) } }));
}

function ticketText(i: number): string {
  return `Hello, my parcel ${48_213_377 + i} was to arrive on Monday, and it has not come yet. I have paid 39.90 for it and for express delivery. Could you tell me where it is, and whether I get the fee back if it comes too late? The last message said that it had left your warehouse in order ${i}. Thank you, Ann`;
}

function longText(i: number): string {
  const sentence = `${ticketText(i)}\n`;
  return sentence.repeat(Math.ceil(LONG_ROW_CHARACTERS / sentence.length)).slice(0, LONG_ROW_CHARACTERS);
}
