// modelfleet retry: the rows of a finished batch that ended in an error another run could end otherwise are opened once more.

import type { Command } from "commander";
import { isOver } from "../src/job/batch.ts";
import { freshProgress } from "../src/job/progress.ts";
import { queueJobId, termsOf } from "../src/job/job.ts";
import { UsageError } from "../src/job/errors.ts";
import { RETRYABLE, type ErrorResult, type Result } from "../src/job/result.ts";
import { createFileStore } from "../src/results/file-store.ts";
import { formatCount } from "../src/report/format.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { liveProcesses } from "../queues/fleet-registry.ts";
import { configOption } from "./batch-options.ts";
import { openFleet, type OpenFleet } from "./open-fleet.ts";
import { say } from "./terminal.ts";

const CHUNK = 200;
const WINDOW_POLL_MS = 100;

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
    const reopened = await reopenFailed(open, batch, round, shutdown.signal);
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
  const store = createFileStore({ dir: fleet.storeDir });
  try {
    for await (const result of store.read(batch)) if (isRetryable(result)) return true;
    return false;
  } finally {
    await store.stop();
  }
}

async function reopenFailed(
  { fleet, states, queues, clock }: OpenFleet,
  batch: string,
  round: number,
  signal: AbortSignal,
): Promise<number> {
  const store = createFileStore({ dir: fleet.storeDir });
  let reopened = 0;
  const reopen = async (results: readonly ErrorResult[]) => {
    const rows = results.map((result) => ({
      row: result.row,
      hop: result.hop + 2,
      bytes: Buffer.byteLength(JSON.stringify(result.body ?? result.input)),
    }));
    let replies = await states.reopen(batch, rows, fleet.queues.windowRows);
    while (replies === "full" && !signal.aborted) {
      await clock.sleep(WINDOW_POLL_MS, signal);
      replies = await states.reopen(batch, rows, fleet.queues.windowRows);
    }
    if (replies === "full") return;
    const hops = replies;
    const envelopes = results.flatMap((result, i) => {
      const hop = hops[i];
      if (typeof hop !== "number") return [];
      const { row, task, input = {}, body, id, line } = result;
      const label = {
        ...(id === undefined ? {} : { id }),
        ...(line === undefined ? {} : { line }),
        ...termsOf(result),
      };
      return [{ job: { batch, row, task, input, ...(body ? { body } : {}), ...label }, hop, round, progress: freshProgress(clock.now()) }];
    });
    await queues.removeDead(results.map((result) => queueJobId(result, result.hop)));
    await queues.addToTask(envelopes);
    reopened += envelopes.length;
  };

  try {
    let chunk: ErrorResult[] = [];
    for await (const result of store.read(batch)) {
      if (signal.aborted) return reopened;
      if (isRetryable(result) && result.round < round) chunk.push(result);
      if (chunk.length < CHUNK) continue;
      await reopen(chunk);
      chunk = [];
    }
    if (chunk.length > 0) await reopen(chunk);
    return reopened;
  } finally {
    await store.stop();
  }
}

function isRetryable(result: Result): result is ErrorResult {
  return result.status === "error" && RETRYABLE.has(result.error.code) && (result.input ?? result.body) !== undefined;
}
