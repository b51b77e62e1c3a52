// modelfleet retry: the rows of a finished batch that ended in an error another run could end otherwise are opened once more.

import type { Command } from "commander";
import { isOver } from "../src/job/batch.ts";
import { UsageError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { formatCount } from "../src/report/format.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { liveProcesses } from "../queues/fleet-registry.ts";
import { configOption } from "./batch-options.ts";
import { openFleet, type OpenFleet } from "./open-fleet.ts";
import { isRetryable, reopenFailed } from "./reopen-failed.ts";
import { say } from "./terminal.ts";

export function registerRetry(program: Command): void {
  configOption(program.command("retry <batch>"))
    .description("take the failed rows of a finished batch up again, where another run could end otherwise")
    .action(async (batch: string, options: { config?: string }) => {
      process.exitCode = await retry(batch, options);
    });
}

async function retry(batch: string, options: { config?: string }): Promise<number> {
  const shutdown = listenForShutdown();
  const open = await openFleet(options);
  try {
    const { states, redis } = open;
    if ((await isBatchOver(open, batch)) && !(await hasFailed(open, batch))) {
      say(`batch ${batch} has no error that a retry could mend`);
      return 0;
    }
    if (!(await liveProcesses(redis)).some((each) => each.roles.includes("router"))) {
      say("no fleet is running: start one with `modelfleet up`, or run the batch's file again");
    }
    const { before, round } = await states.beginRetry(batch);
    if (before === "unknown") throw new UsageError(`there is no batch "${batch}"`, "See them with: modelfleet status");
    if (before !== "finished" && before !== "cancelled" && before !== "retrying") {
      throw new UsageError(`batch ${batch} is ${before}`, "Only a finished batch can be retried: wait for its end, or cancel it.");
    }
    const reopened = await reopenFailed(open, { batch, round, signal: shutdown.signal });
    if (shutdown.signal.aborted) {
      say(`interrupted: ${formatCount(reopened)} rows are open again; the same command goes on with the others`);
      return 130;
    }
    const total = (await states.status(batch))?.total ?? 0;
    await states.seal(batch, total);
    say(
      `${formatCount(reopened)} rows of batch ${batch} are open again (round ${round}). Follow them: modelfleet status ${batch} --follow`,
    );
    return 0;
  } finally {
    shutdown.dispose();
    await open.close();
  }
}

async function isBatchOver({ states }: OpenFleet, batch: string): Promise<boolean> {
  const status = await states.status(batch);
  return status !== undefined && isOver(status.state);
}

async function hasFailed({ fleet }: OpenFleet, batch: string): Promise<boolean> {
  const store = openStore(fleet);
  try {
    for await (const result of store.read(batch)) if (isRetryable(result)) return true;
    return false;
  } finally {
    await store.stop();
  }
}
