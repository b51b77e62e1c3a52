// node scripts/bench-pilot.ts: a pilot on recorded answers of real models, over the wire, and then the rows it didn't see through the route it wrote.
//
// simulator and Redis of its own → `modelfleet pilot` → its YAML into the configuration → `modelfleet run` → a table; on request further splits, for which
// every model is asked every row once.

import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { parse } from "yaml";
import { loadFleet } from "../src/config/load.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import { splitModelId, type ModelId } from "../src/job/names.ts";
import { mixedQuality, mixingLine } from "../src/pilot/hull.ts";
import { describeRoute, percent, points, shortName, usdPerThousand } from "../src/pilot/describe-route.ts";
import type { PilotReport } from "../src/pilot/pilot.ts";
import { formatCount, formatUsd } from "../src/report/format.ts";
import { childEnvironment, readEnvironment } from "../src/runtime/environment.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { parseSimulatorOptions } from "../src/simulator/simulator-options.ts";
import {
  readRecording,
  recordedCostNanoUsd,
  recordedFleet,
  recordedModels,
  RECORDED_TASK,
  replayOptions,
  toInput,
  type RecordedRow,
} from "./bench-pilot-setup.ts";
import { summariseSplits, type SplitSummary } from "./bench-pilot-splits.ts";
import { openStage, type Stage } from "./bench-stage.ts";
import { readPilotNumbers } from "./pilot-options.ts";
import { planPilot } from "./pilot-plan.ts";
import { pilotRows, readTrials } from "./pilot-report.ts";
import { table } from "./table.ts";
import { reportError, say } from "./terminal.ts";

interface Options {
  readonly data: string;
  readonly sample: string;
  readonly seed: string;
  readonly without: readonly string[];
  readonly splits?: string;
}

/** What `modelfleet pilot --json` says, as far as it is needed here. */
interface PilotOutput {
  readonly costNanoUsd: number;
  readonly sample: { readonly lines: readonly number[] };
  readonly report: PilotReport;
}

const CLI = resolve(import.meta.dirname, "modelfleet.ts");
const DATA = resolve(import.meta.dirname, "../../shared/data");

const program = new Command("bench-pilot")
  .description("a pilot on recorded answers, and what its route does on the rows it has not seen; a table, then one line of JSON")
  .option("--data <name>", "gsm8k, crux, or the path of a recording", "gsm8k")
  .option("--sample <rows>", "rows of the pilot", "200")
  .option("--seed <number>", "another seed, another sample", "1")
  .option("--without <model...>", "models that are not candidates, by name", [])
  .option("--splits <number>", "so many further splits, computed from the same answers");

const shutdown = listenForShutdown(() => say("stopping"));
try {
  await bench(program.parse().opts<Options>());
} catch (error) {
  process.exitCode = reportError(shutdown.signal.aborted ? new StoppedError("interrupted", undefined, { cause: error }) : error);
} finally {
  shutdown.dispose();
}

async function bench(options: Options): Promise<void> {
  const file = /^\w+$/.test(options.data) ? resolve(DATA, `recorded-${options.data}.jsonl`) : resolve(options.data);
  const recorded = await readRecording(file);
  const models = recordedModels(recorded).filter((id) => !options.without.includes(splitModelId(id).name));
  if (models.length === 0) throw new UsageError(`no model of ${file} has a price here`, "Give it one in scripts/bench-pilot-setup.ts.");
  const stage = await openStage({ signal: shutdown.signal });
  const simulator = createSimulator(parseSimulatorOptions({ ...replayOptions(file, models), port: 0 }));
  try {
    const { url } = await simulator.start();
    const play: Play = { stage, recorded, models, input: await stage.file("rows.jsonl", toInput(recorded)), url, options };
    const found = await pilotAndRest(play, () => simulator.ledger().total);
    process.stdout.write(`${basename(file)}: ${render(found, play)}\n`);
    const splits = options.splits === undefined ? undefined : await splitAll(play, Number(options.splits));
    if (splits) process.stdout.write(`${renderSplits(splits)}\n`);
    const { report, measured, costs } = found;
    const { recommended, best, lowered, nearest } = report;
    process.stdout.write(`${JSON.stringify({ recommended, best, lowered, nearest, measured, costs, splits })}\n`);
  } finally {
    await simulator.stop();
    await stage.stop();
  }
}

interface Play {
  readonly stage: Stage;
  readonly recorded: readonly RecordedRow[];
  readonly models: readonly ModelId[];
  readonly input: string;
  /** Of the simulator. */
  readonly url: string;
  readonly options: Options;
}

async function pilotAndRest(play: Play, ledger: () => { readonly calls: number; readonly costNanoUsd: number }) {
  const { stage, recorded, options } = play;
  const config = await writeConfig(play, {});
  const args = [play.input, "--task", RECORDED_TASK, "--gold", "answer", "--sample", options.sample, "--seed", options.seed];
  const { report, sample, costNanoUsd } = JSON.parse(
    await modelfleet(config, "pilot", ...args, "-o", `${stage.dir}/route.yaml`, "--json"),
  ) as PilotOutput;
  const piloted = { ...ledger() };

  const asked = new Set(sample.lines);
  const rest = recorded.filter((_, i) => !asked.has(i + 1));
  const restFile = await stage.file("rest.jsonl", toInput(rest));
  const routed = await writeConfig(play, parse(await readFile(`${stage.dir}/route.yaml`, "utf8")) as object);
  const output = await modelfleet(routed, "run", restFile, "--task", RECORDED_TASK);
  const answers = output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as { row: number; model: ModelId }]));
  const right = answers.filter(({ row, model }) => isRight(rest[row]!, model)).length;
  const total = ledger();
  return {
    report,
    rest,
    measured: { accuracy: right / rest.length, calls: total.calls - piloted.calls, costNanoUsd: total.costNanoUsd - piloted.costNanoUsd },
    costs: { pilotNanoUsd: costNanoUsd, pilotByLedgerNanoUsd: piloted.costNanoUsd, pilotCalls: piloted.calls },
  };
}

type Found = Awaited<ReturnType<typeof pilotAndRest>>;

/** On the rest: accuracy by the recordings' own verdicts, the cost of single models by their recorded tokens (for they are not called again). */
function render({ report, rest, measured, costs }: Found, { models }: Play): string {
  const { best, recommended } = report;
  if (!best || !recommended) throw new Error("the pilot recommends nothing");
  const accuracyOf = (model: ModelId) => rest.filter((row) => isRight(row, model)).length / rest.length;
  const costOf = (model: ModelId) => rest.reduce((sum, row) => sum + recordedCostNanoUsd(row, model), 0) / rest.length;
  const singles = report.models.map(({ model }) => ({ model, quality: accuracyOf(model), costNanoUsd: costOf(model) }));
  const perRow = measured.costNanoUsd / rest.length;
  const mixed = mixedQuality(mixingLine(singles), perRow);
  const lines = [
    ...singles.map(({ model, quality, costNanoUsd }) => [
      shortName(model),
      percent(quality),
      usdPerThousand(costNanoUsd),
      formatCount(rest.length),
    ]),
    [`→ ${describeRoute(recommended.steps)}`, percent(measured.accuracy), usdPerThousand(perRow), formatCount(measured.calls)],
    ["random mixing of single models at that cost", mixed === undefined ? "–" : percent(mixed), usdPerThousand(perRow), ""],
  ];
  const gap = measured.accuracy - accuracyOf(best.model);
  return [
    `pilot of ${models.length} models on ${report.rows} rows (${formatCount(costs.pilotCalls)} calls, ${formatUsd(costs.pilotNanoUsd)}), measured on the other ${rest.length}`,
    table(["", "right", "$/1,000 jobs", "calls"], lines),
    `the route against ${shortName(best.model)}, which the sample picks: ${points(gap)} points at ${percent(perRow / costOf(best.model))} of its cost`,
    ...report.reasons.map((reason) => `  ${reason}`),
  ].join("\n");
}

/** A pilot on all rows: of what every model says to every row any split can be computed. */
async function splitAll(play: Play, splits: number): Promise<SplitSummary> {
  const { recorded, options, input, stage } = play;
  if (!(Number.isSafeInteger(splits) && splits > 0)) throw new UsageError(`--splits takes a number, not "${options.splits}"`);
  const config = await writeConfig(play, {});
  const command = { task: RECORDED_TASK, gold: "answer", sample: String(recorded.length), seed: options.seed, config };
  await modelfleet(
    config,
    "pilot",
    input,
    "--task",
    RECORDED_TASK,
    "--gold",
    "answer",
    "--sample",
    command.sample,
    "--seed",
    command.seed,
    "--json",
  );
  const fleet = await loadFleet(config, { environment: readEnvironment(), allowMissingSecrets: true, cwd: stage.dir });
  const plan = await planPilot(fleet, input, command, readPilotNumbers(command));
  const rows = pilotRows(plan, { answers: await readTrials(fleet, plan), askedRows: recorded.length });
  return summariseSplits(rows, plan.models, { size: Number(options.sample), splits, seed: Number(options.seed) });
}

function renderSplits({ splits, meanGapPoints, farBelow, meanCostShare, alone }: SplitSummary): string {
  return (
    `${splits} random splits: on average ${points(meanGapPoints / 100)} points against the best single model of the sample at ${percent(meanCostShare)} of its ` +
    `cost; more than 1.5 points below in ${farBelow}; one model alone recommended in ${alone}`
  );
}

async function writeConfig({ stage, url, models }: Play, task: object): Promise<string> {
  const path = `${stage.dir}/fleet.yaml`;
  const config = { ...recordedFleet(url, models, task), redis: { url: stage.redisUrl }, store: { dir: `${stage.dir}/store` } };
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** Answers with what the command writes; what it says goes to this one's standard error. Rows that fail are part of the measurement. */
async function modelfleet(config: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [CLI, ...args, "--config", config], {
    stdio: ["ignore", "pipe", "inherit"],
    env: childEnvironment({ NODE_NO_WARNINGS: "1", SIMULATED_KEY: "simulated", REDIS_URL: undefined }),
    signal: shutdown.signal,
  });
  const exited = new Promise<number | null>((done, fail) => child.once("close", done).once("error", fail));
  const [output, code] = await Promise.all([text(child.stdout), exited]);
  if (code !== 0 && code !== 1) throw new StoppedError(`modelfleet ${args[0]} ended with ${code}`);
  return output;
}

function isRight(row: RecordedRow, model: ModelId): boolean {
  return row.models[splitModelId(model).name]?.correct ?? false;
}
