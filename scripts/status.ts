// modelfleet status: batches, queues, models and processes; or one batch.

import type { Command } from "commander";
import { readDayTotals, type DayTotals } from "../src/cost/redis-live-totals.ts";
import { DAY_MS, dayOf } from "../src/job/day.ts";
import { isOver, type BatchStatus } from "../src/job/batch.ts";
import { UsageError } from "../src/job/errors.ts";
import { formatCount, formatDuration, formatUsd } from "../src/report/format.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { readFleetStatus, type FleetStatus } from "../queues/fleet-status.ts";
import { configOption } from "./batch-options.ts";
import { budgetTable } from "./budgets.ts";
import { followBatch } from "./follow.ts";
import { modelTable } from "./model-table.ts";
import { openFleet, type OpenFleet } from "./open-fleet.ts";
import { createProgress } from "./progress.ts";
import { spendTable } from "./spend-table.ts";
import { table } from "./table.ts";
import { say } from "./terminal.ts";
import { whyStuck } from "./why-stuck.ts";
import { workTable } from "./work-table.ts";

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly follow?: boolean;
}

const REFRESH_MS = 2_000;
/** Days whose totals are in the JSON. */
const DAYS = 7;
const CLEAR_SCREEN = "\u001B[H\u001B[2J";

export function registerStatus(program: Command): void {
  configOption(program.command("status [batch]"))
    .description("batches, queues, models and processes; or one batch")
    .option("--follow", "stay and show progress, until the batch is over or Ctrl-C")
    .option("--json", "as JSON on standard output")
    .action(async (batch: string | undefined, options: Options) => {
      process.exitCode = await status(batch, options);
    });
}

async function status(batch: string | undefined, options: Options): Promise<number> {
  const shutdown = listenForShutdown();
  const open = await openFleet(options, { patient: options.follow ?? false });
  try {
    if (batch !== undefined) return await showBatch(open, batch, options, shutdown.signal);
    do {
      const seen = await readFleetStatus(open);
      if (options.follow && !options.json && process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN);
      if (options.json) {
        const whole = { ...seen, spendByDay: await readSpendByDay(open) };
        process.stdout.write(`${JSON.stringify(whole, undefined, options.follow ? 0 : 2)}\n`);
      } else process.stdout.write(render(seen, open.clock.now()));
      if (options.follow) await open.clock.sleep(REFRESH_MS, shutdown.signal);
    } while (options.follow && !shutdown.signal.aborted);
    return 0;
  } finally {
    shutdown.dispose();
    await open.close();
  }
}

/** The newest day first. */
function readSpendByDay({ redis, clock }: OpenFleet): Promise<readonly DayTotals[]> {
  const today = clock.now();
  return readDayTotals(
    redis,
    Array.from({ length: DAYS }, (_, ago) => dayOf(today - ago * DAY_MS)),
  );
}

async function showBatch(open: OpenFleet, batch: string, options: Options, signal: AbortSignal): Promise<number> {
  const first = await open.states.status(batch);
  if (!first) throw new UsageError(`there is no batch "${batch}"`, "See them with: modelfleet status");
  const progress = createProgress(open.clock, process.stderr.isTTY);
  const last = options.follow
    ? await followBatch(open, { batch, progress, signal, whyStuck: () => whyStuck(open, { batch, task: first.task }) })
    : first;
  if (options.json) process.stdout.write(`${JSON.stringify(last, undefined, 2)}\n`);
  else process.stdout.write(`${describe(last).join("\n")}\n`);
  if (!isOver(last.state)) return 0;
  return last.failed > 0 ? 1 : 0;
}

function describe(batch: BatchStatus): string[] {
  const { total, cursor, createdAt, finishedAt } = batch;
  const lines: [string, string][] = [
    ["batch", batch.batch],
    ["task", batch.task],
    ["state", stateOf(batch)],
    ["rows", `${formatCount(batch.done)} of ${total === undefined ? `${formatCount(cursor)} so far` : formatCount(total)} have ended`],
    ["answered", formatCount(batch.answered)],
    ["failed", formatCount(batch.failed)],
    ["rerouted", formatCount(batch.rerouted)],
    ["stored", formatCount(batch.stored)],
    ["calls", `${formatCount(batch.calls)}${batch.duplicateCalls > 0 ? `, ${formatCount(batch.duplicateCalls)} of them duplicates` : ""}`],
    ["tokens", `${formatCount(batch.inputTokens)} in, ${formatCount(batch.outputTokens)} out`],
    ["cost", formatUsd(batch.costNanoUsd)],
    ["begun", new Date(createdAt).toISOString()],
    ...(finishedAt === undefined ? [] : ([["took", formatDuration(finishedAt - createdAt)]] as [string, string][])),
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)}${value}`);
}

function stateOf(batch: BatchStatus): string {
  if (isOver(batch.state)) return batch.state;
  if (batch.cancelling) return "cancelling";
  return batch.paused ? "paused" : batch.state;
}

function render(seen: FleetStatus, now: number): string {
  const sections: string[] = [];
  sections.push(
    seen.batches.length === 0
      ? "no batches yet: modelfleet run FILE --task TASK -o OUT\n"
      : table(
          ["batch", "task", "state", "done", "failed", "rerouted", "cost", "age"],
          seen.batches.map((batch) => [
            batch.batch,
            batch.task,
            stateOf(batch),
            `${formatCount(batch.done)}/${batch.total === undefined ? `${formatCount(batch.cursor)}+` : formatCount(batch.total)}`,
            formatCount(batch.failed),
            formatCount(batch.rerouted),
            formatUsd(batch.costNanoUsd),
            formatDuration(now - batch.createdAt),
          ]),
        ),
  );
  if (seen.batchesLeftOut > 0) sections.push(`and ${formatCount(seen.batchesLeftOut)} older batches\n`);
  sections.push(
    modelTable(seen.models, now),
    ...(seen.spendToday.calls === 0 ? [] : [spendTable(seen.spendToday)]),
    ...(seen.budgets.length === 0 ? [] : [budgetTable(seen.budgets)]),
    ...(seen.work.length === 0 ? [] : [workTable(seen.work)]),
    table(
      ["queue", "waiting", "active", "delayed", "failed"],
      seen.queues
        .filter(({ title }) => !title.startsWith("model "))
        .map((queue) => [
          queue.title,
          formatCount(queue.waiting),
          formatCount(queue.active),
          formatCount(queue.delayed),
          formatCount(queue.failed),
        ]),
    ),
    seen.processes.length === 0
      ? "no process of the fleet is running: modelfleet up\n"
      : table(
          ["process", "host", "pid", "up"],
          seen.processes.map((each) => [each.roles.join(", "), each.host, String(each.pid), formatDuration(now - each.startedAt)]),
        ),
  );
  for (const warning of seen.warnings) say(`warning: ${warning}`);
  return sections.join("\n");
}
