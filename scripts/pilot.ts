// modelfleet pilot: a sample of a file's rows through every candidate model, and what that says of cost and quality: which route to take.
//
// plan (sample, candidates, what is right) → tell the cost → each model's batch through the fleet → answers from the store → report.

import { writeFile } from "node:fs/promises";
import { Option, type Command } from "commander";
import type { Fleet } from "../src/config/fleet.ts";
import { StoppedError } from "../src/job/errors.ts";
import type { PilotReport } from "../src/pilot/pilot.ts";
import { renderHtml } from "../src/pilot/render-html.ts";
import { renderRoute } from "../src/pilot/render-route.ts";
import { renderSvg } from "../src/pilot/render-svg.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { configOption } from "./batch-options.ts";
import { FORMATS } from "./job-input.ts";
import { endCallsWhenInterrupted } from "./end-calls-when-interrupted.ts";
import { loadCommandFleet, openFleet } from "./open-fleet.ts";
import type { TrialAnswers } from "./pilot-answers.ts";
import { confirmCost } from "./pilot-confirm.ts";
import { estimateCostNanoUsd } from "./pilot-estimate.ts";
import { readPilotNumbers, type PilotCommandOptions, type PilotNumbers } from "./pilot-options.ts";
import { planPilot, type PilotPlan } from "./pilot-plan.ts";
import { printReport, tellEnd, tellGaps, tellPlan } from "./pilot-print.ts";
import { costNanoUsdOf, readTrials, reportOf } from "./pilot-report.ts";
import { runTrials, type PilotEnd } from "./pilot-run.ts";
import { createProgress, type Progress } from "./progress.ts";
import { say } from "./terminal.ts";

const EXAMPLES = `
Examples:
  modelfleet pilot tickets.jsonl --task classify --gold label
  modelfleet pilot tickets.jsonl --task classify --gold label --max-cost 5 -o route.yaml --html pilot.html`;

export function registerPilot(program: Command): void {
  configOption(program.command("pilot <file>"))
    .description("ask every candidate model a sample of a file's rows (or of standard input: -), and recommend a route")
    .option("-t, --task <name>", "the task type of the rows (required)")
    .option("--sample <rows>", "how many rows are drawn", "200")
    .option("--seed <number>", "another seed draws other rows", "1")
    .option("--gold <field>", "the rows' field with the right answer (default: the task's judge says, else the models' agreement)")
    .option("--answer <field>", "the answers' field that is compared (default: seen from the output schema)")
    .option("--models <model...>", "the candidates (default: the models of the task's route)")
    .option("--max-cost <dollars>", "what the pilot may cost: no more is asked when it is spent")
    .option("--floor <share>", "the quality to hold, such as 0.95 (default: the best single model's)")
    .option("-o, --output <file>", "where the recommended route goes, as YAML (default: shown)")
    .option("--html <file>", "write the report as a page")
    .option("--svg <file>", "write the chart")
    .option("--json", "as JSON on standard output")
    .addOption(new Option("-f, --format <format>", "the file's format (default: seen from its name and first line)").choices(FORMATS))
    .option("--data-class <name>", "the class of the rows' data: only models that may see it are called")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: PilotCommandOptions) => {
      process.exitCode = await pilot(file, options);
    });
}

async function pilot(file: string, command: PilotCommandOptions): Promise<number> {
  const numbers = readPilotNumbers(command);
  const progress = createProgress(systemClock, process.stderr.isTTY);
  const shutdown = endCallsWhenInterrupted(() => progress.end());
  try {
    const fleet = await loadCommandFleet(command);
    const plan = await planPilot(fleet, file, command, numbers);
    const before = await readTrials(fleet, plan);
    const end = await ask(fleet, { plan, before, numbers, command, isInputRead: file === "-", progress, signal: shutdown.signal });
    if (end === "interrupted") {
      say("interrupted: the answers that are there are kept. The same command again goes on from there.");
      return 130;
    }
    shutdown.noteCallsOver();
    return await report({ plan, before, after: await readTrials(fleet, plan), end, numbers, command });
  } finally {
    shutdown.dispose();
  }
}

interface Asking {
  readonly plan: PilotPlan;
  readonly before: readonly TrialAnswers[];
  readonly numbers: PilotNumbers;
  readonly command: PilotCommandOptions;
  readonly isInputRead: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Makes the calls that are missing, if any. @throws StoppedError when the person at the terminal doesn't want to pay. */
async function ask(fleet: Fleet, { plan, before, numbers, command, isInputRead, progress, signal }: Asking): Promise<PilotEnd> {
  const { task, rows, judges } = plan;
  const { maxCostNanoUsd } = numbers;
  const open = plan.trials.flatMap((trial, i) => {
    const { endedRows, unaskedRows } = before[i]!;
    const missing = rows.length - endedRows + unaskedRows;
    return missing === 0 ? [] : [{ ...trial, hasUnasked: unaskedRows > 0, missing }];
  });
  const asked = open.map(({ model, missing }) => ({ model, rows: missing }));
  const estimateNanoUsd = asked.length === 0 ? 0 : await estimateCostNanoUsd(task, rows, { asked, judge: judges[0], gold: command.gold });
  tellPlan(plan, { ...numbers, asked: asked.reduce((sum, each) => sum + each.rows, 0), estimateNanoUsd });
  if (open.length === 0) return "finished";
  const isOpen = (batch: string) => open.some((trial) => trial.batch === batch);
  const elsewhereNanoUsd = costNanoUsdOf(before.filter((_, i) => !isOpen(plan.trials[i]!.batch)));
  if (costNanoUsdOf(before) >= (maxCostNanoUsd ?? Infinity)) return "too-dear";
  const isCapped = maxCostNanoUsd !== undefined;
  const answer = await confirmCost(estimateNanoUsd, { advice: "--max-cost sets a cap", isCapped, isInputRead, signal });
  if (answer === "interrupted" || signal.aborted) return "interrupted";
  if (answer === "no") {
    throw new StoppedError("nothing was called", "Set a cap with --max-cost, or take fewer rows (--sample) or models (--models).");
  }
  const opened = await openFleet(command, { patient: true, fleet });
  try {
    return await runTrials(opened, {
      task,
      trials: open,
      rows: rows.length,
      maxCostNanoUsd: maxCostNanoUsd === undefined ? undefined : maxCostNanoUsd - elsewhereNanoUsd,
      estimateNanoUsd,
      judges: judges.map(({ id }) => id),
      config: command.config,
      progress,
      signal,
    });
  } finally {
    await opened.close();
  }
}

interface Reporting extends Pick<Asking, "plan" | "before" | "numbers" | "command"> {
  readonly after: readonly TrialAnswers[];
  readonly end: PilotEnd;
}

/** Prints and writes what was asked for; answers with the exit code. */
async function report({ plan, before, after, end, numbers, command }: Reporting): Promise<number> {
  const askedRows = end === "too-dear" ? Math.min(...after.map(({ endedRows }) => endedRows)) : plan.rows.length;
  const found = reportOf(plan, { answers: after, askedRows }, numbers);
  const { field } = plan.comparing;
  const routeOptions = field === undefined ? {} : { on: field };
  const yaml = renderRoute(found, routeOptions);
  const missing = tellGaps(plan, { answers: after, askedRows });
  const costs = { allNanoUsd: costNanoUsdOf(after), nowNanoUsd: costNanoUsdOf(after) - costNanoUsdOf(before) };
  tellEnd(end, { ...costs, askedRows });
  if (command.json) process.stdout.write(`${JSON.stringify(toJson(plan, found, { yaml, end, ...costs }), undefined, 2)}\n`);
  else printReport(found, command.output === undefined ? yaml : undefined);
  const files = [
    { path: command.output, what: "the route", content: yaml },
    { path: command.svg, what: "the chart", content: renderSvg(found) },
    {
      path: command.html,
      what: "the page",
      content: renderHtml(found, { ...routeOptions, title: `Pilot of ${plan.task.name}: cost against quality` }),
    },
  ];
  for (const { path, what, content } of files) {
    if (path === undefined) continue;
    if (content === "") {
      say(`${path} is not written: there is nothing to recommend`);
      continue;
    }
    await writeFile(path, content);
    say(`${what} → ${path}`);
  }
  return end === "too-dear" || missing > 0 || !found.recommended ? 1 : 0;
}

/** `leftOut`: by the configuration, before anything was asked; the report has those that are left out by their answers. */
function toJson(
  plan: PilotPlan,
  found: PilotReport,
  run: { readonly yaml: string; readonly end: PilotEnd; readonly allNanoUsd: number; readonly nowNanoUsd: number },
) {
  const { task, inputName, sample, rows, leftOut, comparing, trials } = plan;
  return {
    task: task.name,
    input: inputName,
    sample: {
      drawn: sample.rows.length,
      of: sample.of,
      asked: rows.length,
      badRows: sample.badRows,
      rowsWithoutGold: sample.rowsWithoutGold,
      /** In the file, of the rows that were asked: what the route is measured on later had better be others. */
      lines: rows.map(({ row }) => row.line),
    },
    ...(comparing.field === undefined ? {} : { answerField: comparing.field }),
    isCapped: run.end === "too-dear",
    costNanoUsd: run.allNanoUsd,
    costOfThisRunNanoUsd: run.nowNanoUsd,
    batches: Object.fromEntries(trials.map(({ model, batch }) => [model.id, batch])),
    leftOut,
    report: found,
    yaml: run.yaml,
  };
}
