// modelfleet run: a file of jobs through the fleet and out again. Attaches to a running fleet that knows the task, else starts one inside itself.

import type { Command } from "commander";
import { duration } from "../src/job/quantity.ts";
import type { RowFormat } from "../src/intake/row.ts";
import { UsageError } from "../src/job/errors.ts";
import { taskModels } from "../src/job/task.ts";
import { formatCount } from "../src/report/format.ts";
import { systemClock } from "../src/runtime/clock.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import { capBatch } from "./batch-cap.ts";
import { batchInputOptions } from "./batch-options.ts";
import { openBatch, type BatchSession } from "./batch-session.ts";
import { endCallsWhenInterrupted, GRACE_MS } from "./end-calls-when-interrupted.ts";
import { createFleetKeeper } from "./fleet-keeper.ts";
import { openInput, requireTask } from "./job-input.ts";
import { readMaxCost } from "./max-cost.ts";
import { loadCommandFleet, openFleet, type OpenFleet } from "./open-fleet.ts";
import { deliver, formatOf, requireOutput } from "./output.ts";
import { createProgress } from "./progress.ts";
import { parseTerms, type TermOptions } from "./row-terms.ts";
import { confirmPlan } from "./run-confirm.ts";
import { say } from "./terminal.ts";
import { workBatch } from "./work-batch.ts";

interface Options extends TermOptions {
  readonly config?: string;
  readonly task?: string;
  readonly output?: string;
  readonly batch?: string;
  readonly fresh?: boolean;
  readonly format?: RowFormat;
  readonly patience: string;
  readonly web?: boolean;
  readonly maxCost?: string;
  readonly raw?: boolean;
}

export function registerRun(program: Command): void {
  batchInputOptions(program.command("run <file>"))
    .description("run a file's rows (or standard input: -) through the fleet and write the answers")
    .option(
      "-o, --output <file>",
      "where the answers go: JSONL, or CSV by its name; errors go beside it, into *.errors.jsonl; default: standard output",
    )
    .option("--raw", "CSV: texts that a spreadsheet would take for formulas stay as they are, without a ' before them")
    .option("--patience <duration>", "stop, resumable, when no row has ended for this long", "15m")
    .option("--max-cost <dollars>", "what this batch may cost: it stops there, resumable")
    .option("--web", "with the dashboard, when a fleet is started here")
    .action(async (file: string, options: Options) => {
      process.exitCode = await run(file, options);
    });
}

async function run(file: string, options: Options): Promise<number> {
  const patience = duration.safeParse(options.patience);
  if (!patience.success) throw new UsageError(`--patience takes a duration such as 90s or 15m, not "${options.patience}"`);
  const maxCostNanoUsd = readMaxCost(options.maxCost);
  const progress = createProgress(systemClock, process.stderr.isTTY);
  const shutdown = endCallsWhenInterrupted(() => progress.end());
  const fleet = await loadCommandFleet(options);
  const terms = parseTerms(options, fleet);
  const task = requireTask(fleet, options.task);
  const input = await openInput(file, task, options.format);
  const format = formatOf(options.output);
  await requireOutput(options.output, file);
  const open = await openFleet(options, { patient: true, fleet });
  const keeper = createFleetKeeper(open, {
    role: "run",
    task: task.name,
    models: taskModels(task),
    config: options.config,
    web: options.web,
  });
  try {
    const answer = await confirmPlan(open, { task, input, terms, maxCostNanoUsd, choice: options, signal: shutdown.signal });
    if (answer === "interrupted") {
      say("interrupted: nothing was called");
      return 130;
    }
    const session = await openBatch(open, input, task.name, options, terms);
    announce(session, input);
    const cap = await capBatch(open, session, maxCostNanoUsd, terms);
    if (!session.isOver) {
      await keeper.ensure();
      await workBatch(open, {
        input,
        session,
        task: task.name,
        progress,
        patienceMs: patience.data,
        signal: AbortSignal.any([shutdown.signal, cap.spent]),
        terms,
        keeper,
        onPoll: () => cap.look(),
      });
    }
    if (shutdown.signal.aborted) {
      await keeper.stop(GRACE_MS);
      return await interrupted(open, session);
    }
    if (cap.spent.aborted) {
      await keeper.stop(GRACE_MS);
      await cap.tell();
      return 1;
    }
    await cap.remove();
    shutdown.noteCallsOver();
    return await deliver(open, { batch: session.batch, format, output: options.output, isRaw: options.raw });
  } finally {
    await keeper.stop(0);
    shutdown.dispose();
    await open.close();
  }
}

function announce(session: BatchSession, input: JobInput): void {
  if (session.isOver) say(`batch ${session.batch}: ${input.name} was run before, nothing is called again (--fresh begins anew)`);
  else say(`batch ${session.batch}: ${input.name}${session.isResumed ? ", going on where it stopped" : ""}`);
}

async function interrupted({ states }: OpenFleet, { batch }: BatchSession): Promise<number> {
  const status = await states.status(batch);
  say(
    `interrupted: ${formatCount(status?.done ?? 0)} rows of batch ${batch} have their results. The same command again goes on from there.`,
  );
  return 130;
}
