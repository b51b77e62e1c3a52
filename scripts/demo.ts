// npm run demo: 400 support tickets through a real fleet and two simulated vendors, one of which fails halfway. It needs no keys, reaches no vendor,
// and leaves nothing running.

import { relative, resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { isOver } from "../src/job/batch.ts";
import { formatCount } from "../src/report/format.ts";
import { renderText } from "../src/report/render-text.ts";
import type { Summary } from "../src/report/summary.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { feedBatch, openBatch } from "./batch-session.ts";
import { createOutage } from "./demo-outage.ts";
import { writeDemoAnswers } from "./demo-report.ts";
import { openStage, type Stage } from "./demo-stage.ts";
import { followBatch } from "./follow.ts";
import { openInput, requireTask } from "./job-input.ts";
import { createProgress, type Progress } from "./progress.ts";
import { reportError, say } from "./terminal.ts";

const EXAMPLES = resolve(import.meta.dirname, "../examples");
const TASK = "classify-ticket";
/** Nothing moves for this long: something is wrong. */
const PATIENCE_MS = 60_000;

const program = new Command("npm run demo --")
  .description("400 support tickets through a fleet and two simulated vendors, one of which fails halfway")
  .option("--keep", "leave the fleet and its dashboard running at the end, until Ctrl-C")
  .exitOverride()
  .action(async (options: { keep?: boolean }) => {
    process.exitCode = await demo(options.keep ?? false);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error);
}

async function demo(keep: boolean): Promise<number> {
  const progress = createProgress(systemClock, process.stderr.isTTY);
  const shutdown = listenForShutdown(() => {
    progress.end();
    say("stopping the demo; press Ctrl-C again to stop at once");
  });
  say("modelfleet demo: 400 support tickets, two vendors, and one of them fails halfway.");
  say("The vendors are simulated on this machine: no key is needed, nothing is paid.\n");
  try {
    const stage = await openStage({ examples: EXAMPLES, signal: shutdown.signal });
    if (!stage) return 130;
    try {
      return await perform(stage, { keep, progress, signal: shutdown.signal });
    } finally {
      await stage.close();
    }
  } finally {
    shutdown.dispose();
  }
}

interface Options {
  readonly keep: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function perform(stage: Stage, { keep, progress, signal }: Options): Promise<number> {
  say(`  simulator   ${stage.vendors.join(" and ")} at ${stage.simulatorUrl}`);
  say(`  fleet       ${stage.roles}`);
  say(`  dashboard   ${stage.webUrl}/`);
  say(`  queues      ${stage.webUrl}/queues\n`);

  const batch = await runTickets(stage, { progress, signal });
  if (batch === undefined) return 130;

  const output = resolve(stage.folder, "answers.jsonl");
  const summary = await writeDemoAnswers(stage.open, { batch, output, keyFile: resolve(EXAMPLES, "tickets.key.jsonl") });
  say(`\n${renderText(summary, { title: `Report of batch ${batch}` })}\n`);
  say(closing(summary));
  say(`answers    ${relative(process.cwd(), output)}`);
  say(`logs       ${relative(process.cwd(), stage.folder)}/*.log`);
  if (keep) {
    say(`dashboard  ${stage.webUrl}/ (queues: ${stage.webUrl}/queues), open until you press Ctrl-C`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } else say("dashboard  closed with the demo; to look around in it: npm run demo -- --keep");
  return summary.failed === 0 ? 0 : 1;
}

/** The way of `modelfleet run` with a fleet that is up already. Answers with the batch, or undefined when it was interrupted. */
async function runTickets(
  { open, simulatorUrl }: Stage,
  { progress, signal }: Pick<Options, "progress" | "signal">,
): Promise<string | undefined> {
  const task = requireTask(open.fleet, TASK);
  const input = await openInput(resolve(EXAMPLES, "tickets.jsonl"), task, undefined);
  const session = await openBatch(open, input, task.name, {});
  say(`tickets go in, as with: modelfleet run examples/tickets.jsonl --task ${TASK}`);
  const outage = createOutage({ open, task, simulatorUrl, progress });
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const feeding = feedBatch(open, input, session, task.name, { signal: either }).catch((error: unknown) => failed.abort(error));
  const last = await followBatch(open, {
    batch: session.batch,
    progress: outage.progress,
    signal: either,
    patienceMs: PATIENCE_MS,
    onPoll: (status) => outage.onPoll(status),
  });
  await feeding;
  if (isOver(last.state)) return session.batch;
  if (signal.aborted) return undefined;
  throw failed.signal.reason;
}

function closing({ rows, answered, failed, rerouted }: Summary): string {
  const moved = `${formatCount(rerouted)} of them by another model than the one they were first given to`;
  const all =
    answered === rows
      ? `All ${formatCount(rows)} tickets were answered`
      : `${formatCount(answered)} of ${formatCount(rows)} tickets were answered`;
  return `${all}, ${moved}; ${failed === 0 ? "no dead letters" : `${formatCount(failed)} dead letters`}.\n`;
}
