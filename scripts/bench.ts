// npm run bench: how fast the fleet is, as ratios to bare BullMQ measured side by side in the same run. Absolute numbers are this machine's, at this moment.

import { Command } from "commander";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { benchEnqueue } from "./bench-enqueue.ts";
import { benchHttpFlow, benchInstantFlow } from "./bench-flow.ts";
import { benchMemory, renderMemory } from "./bench-memory.ts";
import { comparisonData, renderComparison, type Comparison } from "./bench-report.ts";
import { openStage, type Stage, type StageOptions } from "./bench-stage.ts";
import { reportError, say } from "./terminal.ts";

const PARTS = ["enqueue", "flow", "http"] as const;
type Part = (typeof PARTS)[number];

interface Options {
  readonly quick?: boolean;
  readonly memory?: boolean;
  readonly only?: readonly string[];
  readonly rounds?: string;
  readonly rows: string;
  readonly profile?: string;
}

const FULL = { rounds: 5, enqueue: 20_000, flow: 8_000, http: 4_000 };
const QUICK = { rounds: 2, enqueue: 5_000, flow: 2_000, http: 1_000 };

const RUN: Readonly<Record<Part, (stage: Stage, scale: { readonly jobs: number; readonly rounds: number }) => Promise<Comparison>>> = {
  enqueue: benchEnqueue,
  flow: benchInstantFlow,
  http: benchHttpFlow,
};

const program = new Command("bench")
  .description("speed of the fleet against bare BullMQ, side by side; a table, then one line of JSON")
  .option("--quick", "fewer jobs and rounds: under 40 s, and less exact")
  .option("--only <part...>", `of ${PARTS.join(", ")}`)
  .option("--rounds <number>", "rounds of each part")
  .option("--memory", "instead: the producer's memory on a large file")
  .option("--rows <number>", "rows of that file", "1000000")
  .option("--profile <folder>", "have every process write a CPU profile there");

try {
  await bench(program.parse().opts<Options>());
} catch (error) {
  process.exitCode = reportError(error);
}

async function bench(options: Options): Promise<void> {
  const shutdown = listenForShutdown(() => say("stopping"));
  try {
    if (options.memory) await measureMemory(options, shutdown.signal);
    else await measureSpeed(options, shutdown.signal);
  } catch (error) {
    if (!shutdown.signal.aborted) throw error;
    throw new StoppedError("interrupted", undefined, { cause: error });
  } finally {
    shutdown.dispose();
  }
}

async function measureSpeed({ quick, only, rounds, profile }: Options, signal: AbortSignal): Promise<void> {
  const unknown = only?.find((part) => !PARTS.includes(part as Part));
  if (unknown !== undefined) throw new UsageError(`there is no part "${unknown}"`, `Its parts are: ${PARTS.join(", ")}.`);
  const scale = quick ? QUICK : FULL;
  const comparisons: Comparison[] = [];
  for (const part of PARTS) {
    if (only && !only.includes(part)) continue;
    say(`measuring: ${part} …`);
    const comparison = await onStage({ profileDir: profile, signal }, (stage) =>
      RUN[part](stage, { jobs: scale[part], rounds: rounds === undefined ? scale.rounds : wholeNumber(rounds) }),
    );
    comparisons.push(comparison);
    process.stdout.write(`\n${renderComparison(comparison)}\n\n`);
  }
  process.stdout.write(`${JSON.stringify({ bench: comparisons.map(comparisonData) })}\n`);
}

async function measureMemory({ rows, profile }: Options, signal: AbortSignal): Promise<void> {
  const count = wholeNumber(rows);
  say(`measuring: memory on ${count.toLocaleString("en")} rows …`);
  const results = await onStage({ profileDir: profile, signal }, (stage) => benchMemory(stage, { rows: count }));
  process.stdout.write(`\n${renderMemory(count, results)}\n\n${JSON.stringify({ memory: results })}\n`);
}

async function onStage<Result>(options: StageOptions, play: (stage: Stage) => Promise<Result>): Promise<Result> {
  const stage = await openStage(options);
  try {
    return await play(stage);
  } finally {
    await stage.stop();
  }
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is not a whole number above zero`);
}
