// (b) and (c) End to end: rows that lie in the task queue → every result stored, by router, pool, reroute and recorder, each a process of its own.
// (b) with a vendor that answers at once inside the pool, against one bare worker that does nothing; (c) over HTTP, against one that makes the same SDK call.
//
// The queues are filled while they are paused; the clock starts when they are resumed and stops when the last job is completed, or the batch finished.

import { Queue } from "bullmq";
import { isOver } from "../src/job/batch.ts";
import { loadFleet } from "../src/config/load.ts";
import { modelId } from "../src/job/names.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { taskQueue } from "../src/runtime/keys.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { firstSlots } from "../src/limits/slots.ts";
import { PROVIDER, TASK, MODEL, benchConfig } from "./bench-rows.ts";
import type { Comparison } from "./bench-report.ts";
import { runInTurns, type Contender } from "./bench-rounds.ts";
import type { Actor, Stage } from "./bench-stage.ts";

const POLL_MS = 10;
const WORKER_CONCURRENCY = 64;

export interface FlowScale {
  readonly jobs: number;
  readonly rounds: number;
}

export async function benchInstantFlow(stage: Stage, scale: FlowScale): Promise<Comparison> {
  const worker = await stage.actor("bareWorker", { queue: "bare", concurrency: WORKER_CONCURRENCY, work: { kind: "nothing" } }, "worker");
  const hop = await stage.actor(
    "bareWorker",
    { queue: "one", concurrency: WORKER_CONCURRENCY, work: { kind: "hop", to: "two" } },
    "first hop",
  );
  const second = await stage.actor(
    "bareWorker",
    { queue: "two", concurrency: WORKER_CONCURRENCY, work: { kind: "record", stream: "results" } },
    "second hop",
  );
  const reader = await stage.actor("bareRecorder", { stream: "results" }, "reader");
  const bare = await startBare(stage, scale);
  const fleet = await startFleet(stage, scale, { vendor: "instant" });
  const variants = await runInTurns(
    stage,
    [
      { name: "one bare worker that does nothing", processes: [worker.name], ...bare.drain("bare", worker) },
      { name: "bare pipeline of two hops", processes: [hop.name, second.name, reader.name], ...bare.drain("one", reader) },
      { name: "fleet, vendor answers at once", ...fleet },
    ],
    scale,
  );
  return { title: "End to end, vendor in the process", jobs: scale.jobs, variants, aims: { "fleet, vendor answers at once": 0.35 } };
}

export async function benchHttpFlow(stage: Stage, scale: FlowScale): Promise<Comparison> {
  const vendor = await stage.actor("simulatedVendor", { model: MODEL }, "vendor");
  const vendorUrl = await vendor.call<string>("url");
  const fleet = await startFleet(stage, scale, { vendorUrl });
  const { concurrency } = fleet;
  const worker = await stage.actor("bareWorker", { queue: "bare", concurrency, work: { kind: "ask", vendorUrl } }, "worker");
  const bare = await startBare(stage, scale);
  const variants = await runInTurns(
    stage,
    [
      { name: "bare worker, openai SDK", processes: [worker.name, vendor.name], ...bare.drain("bare", worker) },
      { name: "fleet, over HTTP", ...fleet, processes: [...fleet.processes, vendor.name] },
    ],
    scale,
  );
  return {
    title: `End to end over HTTP, up to ${concurrency} calls at a time`,
    jobs: scale.jobs,
    variants,
    aims: { "fleet, over HTTP": 0.6 },
  };
}

/** What prepares a contender and what is timed: see above. */
type Race = Pick<Contender, "prepare" | "run">;

async function startBare(stage: Stage, { jobs }: FlowScale) {
  const { redis } = stage;
  const producer = await stage.actor("bareProducer", {}, "bare producer");
  return {
    /** Until the actor `last` has completed all that went into the queue. */
    drain(name: string, last: Actor): Race {
      const queue = new Queue(name, { connection: redis });
      return {
        async prepare() {
          await queue.pause();
          await producer.call("add", { queue: name, rows: jobs });
        },
        async run() {
          const completed = last.call("complete", { jobs });
          const startedAt = performance.now();
          await queue.resume();
          await completed;
          return performance.now() - startedAt;
        },
      };
    },
  };
}

/** All processes of a fleet, and a producer that fills its task queue. */
export async function startFleet(
  stage: Stage,
  { jobs }: FlowScale,
  { vendor, vendorUrl }: { readonly vendor?: "instant"; readonly vendorUrl?: string },
) {
  const { redis, redisUrl, dir } = stage;
  const address = vendorUrl === undefined ? {} : { vendorUrl };
  const config = await stage.file("fleet.yaml", benchConfig({ redisUrl, dir, windowRows: 100_000_000, ...address }));
  const { models } = await loadFleet(config, { environment: readEnvironment(), allowMissingSecrets: true });
  const producer = await stage.actor("fleetProducer", { config }, "producer");
  const processes = await Promise.all([
    stage.actor("fleetRole", { config, role: "router" }, "router"),
    stage.actor("fleetRole", { config, role: `pool:${PROVIDER}`, ...(vendor ? { vendor } : {}) }, "pool"),
    stage.actor("fleetRole", { config, role: "reroute" }, "reroute"),
    stage.actor("fleetRole", { config, role: "recorder" }, "recorder"),
  ]);
  const states = createBatchStates(redis);
  const queue = new Queue(taskQueue(TASK), { connection: redis });
  const batchOf = (round: number) => `round-${round + 1}`;
  return {
    processes: processes.map(({ name }) => name),
    concurrency: firstSlots(models.get(modelId(PROVIDER, MODEL))!),
    async prepare(round: number) {
      await queue.pause();
      await producer.call("produce", { rows: jobs, batch: batchOf(round) });
    },
    /** One batch, from the first job taken to the last result stored. */
    async run(round: number): Promise<number> {
      const startedAt = performance.now();
      await queue.resume();
      for (;;) {
        const status = await states.status(batchOf(round));
        if (status && isOver(status.state)) {
          if (status.answered !== jobs) throw new Error(`${status.answered} of ${jobs} jobs were answered`);
          return performance.now() - startedAt;
        }
        await new Promise((wake) => setTimeout(wake, POLL_MS));
      }
    },
  };
}
