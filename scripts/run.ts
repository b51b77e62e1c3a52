// modelfleet run: a file of jobs through the fleet and out again. Attaches to a running fleet that knows the task, else starts one inside itself.

import type { Command } from "commander";
import { loadFleet } from "../src/config/load.ts";
import { duration } from "../src/job/quantity.ts";
import type { RowFormat } from "../src/intake/row.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { JobTerms } from "../src/job/job.ts";
import { taskModels, type TaskSpec } from "../src/job/task.ts";
import { splitModelId } from "../src/job/names.ts";
import { formatCount } from "../src/report/format.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { holdProducerLease, readdMissing } from "../queues/feed.ts";
import { liveProcesses, servesTask } from "../queues/fleet-registry.ts";
import { allRoles, startFleetProcess, type FleetProcess } from "../workers/fleet-process.ts";
import { feedBatch, openBatch, type BatchSession } from "./batch-session.ts";
import { batchInputOptions } from "./batch-options.ts";
import { followBatch } from "./follow.ts";
import { openInput, requireTask, type JobInput } from "./job-input.ts";
import { loadCommandFleet, openFleet, processLog, type OpenFleet } from "./open-fleet.ts";
import { deliver, requireOutput } from "./output.ts";
import { createProgress, type Progress } from "./progress.ts";
import { parseTerms, type TermOptions } from "./row-terms.ts";
import { say } from "./terminal.ts";
import { whyStuck } from "./why-stuck.ts";

interface Options extends TermOptions {
  readonly config?: string;
  readonly task?: string;
  readonly output?: string;
  readonly batch?: string;
  readonly fresh?: boolean;
  readonly format?: RowFormat;
  readonly patience: string;
  readonly web?: boolean;
}

/** Calls in flight after Ctrl-C. */
const GRACE_MS = 5_000;
const MISSING_EVERY_MS = 2_000;
/** An attached fleet of which no router is left for this long is replaced by one of our own: it may just be restarting. */
const ROUTER_GONE_MS = 12_000;
/** Sooner when every process has taken its leave: it was another `run`'s, and that has ended. */
const FLEET_GONE_MS = 3_000;

export function registerRun(program: Command): void {
  batchInputOptions(program.command("run <file>"))
    .description("run a file's rows (or standard input: -) through the fleet and write the answers")
    .option(
      "-o, --output <file>",
      "where the answers go: JSONL, or CSV by its name; errors go beside it, into *.errors.jsonl; default: standard output",
    )
    .option("--patience <duration>", "stop, resumable, when no row has ended for this long", "15m")
    .option("--web", "with the dashboard, when a fleet is started here")
    .action(async (file: string, options: Options) => {
      process.exitCode = await run(file, options);
    });
}

async function run(file: string, options: Options): Promise<number> {
  const patience = duration.safeParse(options.patience);
  if (!patience.success) throw new UsageError(`--patience takes a duration such as 90s or 15m, not "${options.patience}"`);
  const progress = createProgress(systemClock, process.stderr.isTTY);
  const shutdown = listenForShutdown(() => {
    progress.end();
    say("stopping: calls in flight may end; Ctrl-C again stops at once");
  });
  const fleet = await loadCommandFleet(options);
  const terms = parseTerms(options, fleet);
  const task = requireTask(fleet, options.task);
  const input = await openInput(file, task, options.format);
  await requireOutput(options.output, file);
  const open = await openFleet(options, { patient: true, fleet });
  let own: FleetProcess | undefined;
  try {
    const session = await openBatch(open, input, task.name, options);
    announce(session, input);
    if (!session.isOver) {
      own = await ensureFleet(open, task, options);
      await work(open, { input, session, task, progress, patienceMs: patience.data, signal: shutdown.signal, terms }, async () => {
        own ??= await ensureFleet(open, task, options);
      });
    }
    if (shutdown.signal.aborted) {
      await own?.stop(GRACE_MS);
      return await interrupted(open, session);
    }
    return await deliver(open, { batch: session.batch, ...(options.output === undefined ? {} : { output: options.output }) });
  } finally {
    await own?.stop(0);
    shutdown.dispose();
    await open.close();
  }
}

function announce(session: BatchSession, input: JobInput): void {
  if (session.isOver) say(`batch ${session.batch}: ${input.name} was run before, nothing is called again (--fresh begins anew)`);
  else say(`batch ${session.batch}: ${input.name}${session.isResumed ? ", going on where it stopped" : ""}`);
}

/** Starts a fleet inside this process unless one that knows the task is running. */
async function ensureFleet(open: OpenFleet, task: TaskSpec, options: Options): Promise<FleetProcess | undefined> {
  const providers = new Set(taskModels(task).map((model) => splitModelId(model).provider));
  const processes = await liveProcesses(open.redis);
  if (servesTask(processes, task.name, [...providers])) {
    say(`a fleet of ${processes.length} ${processes.length === 1 ? "process" : "processes"} is running: it does the work`);
    if (processes.some((each) => each.configHash !== open.fleet.hash))
      say("warning: it runs with another configuration than this command's");
    return undefined;
  }
  const fleet = await loadFleet(options.config, { environment: readEnvironment() }); // vendors will be called: the keys must be there
  const started = await startFleetProcess({
    fleet,
    redisUrl: open.redisUrl,
    roles: allRoles(fleet, { web: options.web ?? false }),
    clock: open.clock,
    log: processLog("run", readEnvironment().variable("LOG_LEVEL") ?? "error"),
  });
  if (started.webUrl) say(`dashboard ${started.webUrl}/ · queues ${started.webUrl}/queues`);
  return started;
}

interface Work {
  readonly input: JobInput;
  readonly session: BatchSession;
  readonly task: TaskSpec;
  readonly progress: Progress;
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly terms: JobTerms;
}

/** Feeds and follows side by side; a failure of either ends both. */
async function work(
  open: OpenFleet,
  { input, session, task, progress, patienceMs, signal, terms }: Work,
  ensure: () => Promise<void>,
): Promise<void> {
  const { batch } = session;
  const lease = input.isFile ? holdProducerLease(open.redis, open.clock, batch) : undefined;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const feed = () => feedBatch(open, input, session, task.name, { signal: either, terms });
  const feeding = (session.isAnswered ? Promise.resolve() : feed()).catch((error: unknown) => {
    if (error instanceof StoppedError && (either.aborted || /cancelled|is over/.test(error.message))) return;
    failed.abort(error);
  });
  const replaceLostFleet = createReplacement(open, ensure);
  let lookForMissingAt = open.clock.now() + MISSING_EVERY_MS;
  try {
    await followBatch(open, {
      batch,
      progress,
      signal: either,
      patienceMs,
      whyStuck: () => whyStuck(open, task.name),
      async onPoll() {
        if (open.clock.now() < lookForMissingAt) return;
        lookForMissingAt = open.clock.now() + MISSING_EVERY_MS;
        if (input.isFile) await readdMissing(open, { batch, task: task.name, terms }, () => input.rows());
        await replaceLostFleet();
      },
    });
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await feeding;
    await lease?.stop();
  }
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** Called now and then: when the fleet that did the work is gone, `ensure` starts one here; what keeps it from that is told once. */
function createReplacement({ redis, clock }: OpenFleet, ensure: () => Promise<void>): () => Promise<void> {
  let seenAt = clock.now();
  let toldWhyNot = false;
  return async () => {
    const processes = await liveProcesses(redis);
    if (processes.some((each) => each.roles.includes("router"))) seenAt = clock.now();
    if (clock.now() - seenAt < (processes.length === 0 ? FLEET_GONE_MS : ROUTER_GONE_MS)) return;
    try {
      await ensure();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      if (!toldWhyNot) say(`warning: the fleet is gone, and this command can't start one: ${error.message}`);
      toldWhyNot = true;
    }
  };
}

async function interrupted({ states }: OpenFleet, { batch }: BatchSession): Promise<number> {
  const status = await states.status(batch);
  say(
    `interrupted: ${formatCount(status?.done ?? 0)} rows of batch ${batch} have their results. The same command again goes on from there.`,
  );
  return 130;
}
