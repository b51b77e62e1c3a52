// modelfleet run: a file of jobs through the fleet and out again. Attaches to a running fleet that knows the task, else starts one inside itself.

import type { Command } from "commander";
import { loadFleet } from "../src/config/load.ts";
import { duration } from "../src/config/quantity.ts";
import type { RowFormat } from "../src/intake/row.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { splitModelId } from "../src/job/names.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { holdProducerLease, readdMissing } from "../queues/feed.ts";
import { liveProcesses, servesTask } from "../queues/fleet-registry.ts";
import { readFleetStatus } from "../queues/fleet-status.ts";
import { allRoles, startFleetProcess, type FleetProcess } from "../workers/fleet-process.ts";
import { feedBatch, openBatch, parseTags, type BatchSession } from "./batch-session.ts";
import { batchInputOptions } from "./batch-options.ts";
import { followBatch } from "./follow.ts";
import { openInput, requireTask, type JobInput } from "./job-input.ts";
import { openFleet, processLog, type OpenFleet } from "./open-fleet.ts";
import { deliver, OUTPUT_FORMATS } from "./output.ts";
import { createProgress } from "./progress.ts";
import { say } from "./terminal.ts";

interface Options {
  readonly config?: string;
  readonly task: string;
  readonly output?: string;
  readonly batch?: string;
  readonly fresh?: boolean;
  readonly format?: RowFormat;
  readonly tag?: readonly string[];
  readonly patience: string;
  readonly web?: boolean;
}

/** Calls in flight after Ctrl-C. */
const GRACE_MS = 5_000;
const MISSING_EVERY_MS = 2_000;
/** An attached fleet that is gone for this long is replaced by one of our own. */
const FLEET_GONE_MS = 12_000;

export function registerRun(program: Command): void {
  batchInputOptions(program.command("run <file>"))
    .description("run a file's rows (or standard input: -) through the fleet and write the answers")
    .option("-o, --output <file>", `where the answers go (${OUTPUT_FORMATS.join(", ")}); errors go beside it; default: standard output`)
    .option("--patience <duration>", "stop, resumable, when nothing has ended for this long", "15m")
    .option("--web", "with the dashboard, where a fleet is started here")
    .action(async (file: string, options: Options) => {
      process.exitCode = await run(file, options);
    });
}

async function run(file: string, options: Options): Promise<number> {
  const patience = duration.safeParse(options.patience);
  if (!patience.success) throw new UsageError(`--patience takes a duration such as 90s or 15m, not "${options.patience}"`);
  const tags = parseTags(options.tag);
  const shutdown = listenForShutdown(() => say("\nstopping: calls in flight get a moment to end; press Ctrl-C again to stop at once"));
  const open = await openFleet(options, { patient: true });
  let own: FleetProcess | undefined;
  try {
    const task = requireTask(open.fleet, options.task);
    const input = await openInput(file, task, options.format);
    const session = await openBatch(open, input, task.name, options);
    announce(session, input);
    if (!session.isOver) {
      own = await ensureFleet(open, task, options);
      await work(open, { input, session, task, patienceMs: patience.data, signal: shutdown.signal, ...(tags ? { tags } : {}) }, async () => {
        own ??= await ensureFleet(open, task, options);
      });
    }
    if (shutdown.signal.aborted) return await interrupted(open, session);
    return await deliver(open, { batch: session.batch, ...(options.output === undefined ? {} : { output: options.output }) });
  } finally {
    await own?.stop(shutdown.signal.aborted ? GRACE_MS : 0);
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
  const providers = new Set(task.route.flatMap((step) => step.models.map((model) => splitModelId(model).provider)));
  const processes = await liveProcesses(open.redis, open.clock);
  if (servesTask(processes, task.name, [...providers])) {
    say(`a fleet of ${processes.length} ${processes.length === 1 ? "process" : "processes"} is running: it does the work`);
    if (processes.some((each) => each.configHash !== open.fleet.hash)) say("warning: it runs with another configuration than this command's");
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
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Feeds and follows side by side; a failure of either ends both. */
async function work(open: OpenFleet, { input, session, task, patienceMs, signal, tags }: Work, ensure: () => Promise<void>): Promise<void> {
  const { batch } = session;
  const lease = input.isFile ? holdProducerLease(open.redis, open.clock, batch) : undefined;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const feeding = feedBatch(open, input, session, task.name, { signal: either, ...(tags ? { tags } : {}) }).catch((error: unknown) => {
    if (error instanceof StoppedError && (either.aborted || /cancelled|is over/.test(error.message))) return;
    failed.abort(error);
  });
  let lookForMissingAt = open.clock.now() + MISSING_EVERY_MS;
  let seenAt = open.clock.now();
  try {
    await followBatch(open, {
      batch,
      progress: createProgress(open.clock, process.stderr.isTTY),
      signal: either,
      patienceMs,
      whyStuck: () => whyStuck(open, task),
      async onPoll() {
        if (open.clock.now() < lookForMissingAt) return;
        lookForMissingAt = open.clock.now() + MISSING_EVERY_MS;
        if (input.isFile) await readdMissing(open, { batch, task: task.name }, () => input.rows());
        if ((await liveProcesses(open.redis, open.clock)).some((each) => each.roles.includes("router"))) seenAt = open.clock.now();
        else if (open.clock.now() - seenAt > FLEET_GONE_MS) await ensure();
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

/** The models of the route that take no calls now. */
async function whyStuck({ redis, fleet, queues, states, clock }: OpenFleet, task: TaskSpec): Promise<readonly string[]> {
  const status = await readFleetStatus({ redis, states, queues, clock, fleet });
  const models = new Set(task.route.flatMap((step) => step.models));
  return status.models.flatMap(({ model, breaker }) => (models.has(model) && breaker.kind !== "closed" ? [`${model}: breaker ${breaker.kind}: ${breaker.reason}`] : []));
}

async function interrupted({ states }: OpenFleet, { batch }: BatchSession): Promise<number> {
  const status = await states.status(batch);
  say(`interrupted: ${status?.done ?? 0} rows of batch ${batch} have their results. The same command again goes on from there.`);
  return 130;
}
