// modelfleet enqueue: rows into a batch, and nothing else. Returns when the last row is in; until then it feeds within the window.

import type { Command } from "commander";
import { StoppedError } from "../src/job/errors.ts";
import type { RowFormat } from "../src/intake/row.ts";
import { holdProducerLease } from "../queues/feed.ts";
import { liveProcesses } from "../queues/fleet-registry.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { feedBatch, openBatch } from "./batch-session.ts";
import { batchInputOptions } from "./batch-options.ts";
import { openInput, requireTask } from "./job-input.ts";
import { loadCommandFleet, openFleet } from "./open-fleet.ts";
import { parseTerms, type TermOptions } from "./row-terms.ts";
import { say } from "./terminal.ts";

interface Options extends TermOptions {
  readonly config?: string;
  readonly task?: string;
  readonly batch?: string;
  readonly fresh?: boolean;
  readonly format?: RowFormat;
}

export function registerEnqueue(program: Command): void {
  batchInputOptions(program.command("enqueue <file>"))
    .description("put a file's rows (or standard input: -) into a batch, for a running fleet to work on")
    .action(async (file: string, options: Options) => {
      process.exitCode = await enqueue(file, options);
    });
}

async function enqueue(file: string, options: Options): Promise<number> {
  const shutdown = listenForShutdown(() => say("\nstopping; press Ctrl-C again to stop at once"));
  const fleet = await loadCommandFleet(options);
  const terms = parseTerms(options, fleet);
  const task = requireTask(fleet, options.task);
  const input = await openInput(file, task, options.format);
  const open = await openFleet(options, { fleet });
  try {
    const session = await openBatch(open, input, task.name, options, terms);
    if (session.isAnswered) {
      say(`batch ${session.batch} has all its rows already: modelfleet results ${session.batch} -o FILE`);
      return 0;
    }
    const total = open.fleet.queues.windowRows;
    say(
      `enqueueing ${input.name} into batch ${session.batch}${session.isResumed ? " (going on)" : ""}; at most ${total.toLocaleString("en")} rows ahead of the store,`,
    );
    say("so this goes on feeding until the last row is in. It can be interrupted and repeated.");
    if (!(await liveProcesses(open.redis)).some((each) => each.roles.includes("router"))) {
      say("no fleet is running on this Redis yet: start one with `modelfleet up`");
    }
    const lease = input.isFile ? holdProducerLease(open.redis, open.clock, session.batch) : undefined;
    try {
      await feedBatch(open, input, session, task.name, { signal: shutdown.signal, terms });
    } finally {
      await lease?.stop();
    }
    const status = await open.states.status(session.batch);
    say(`all ${(status?.total ?? 0).toLocaleString("en")} rows are in. Follow them: modelfleet status ${session.batch} --follow`);
    process.stdout.write(`${session.batch}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof StoppedError) || !shutdown.signal.aborted) throw error;
    say(`interrupted: the same command again goes on where it stopped`);
    return 130;
  } finally {
    shutdown.dispose();
    await open.close();
  }
}
