// (b) and (c) End to end: rows that lie in the task queue → every result stored, by router, pool, reroute and recorder, each a process of its own.
// (b) with a vendor that answers at once inside the pool, against one bare worker that does nothing; (c) over HTTP, against one that makes the same SDK call.
//
// The queues are filled while they are paused; the clock starts when they are resumed and stops when the last job is completed, or the batch finished.

import { Queue } from "bullmq";
import { PROVIDER, TASK, MODEL, benchConfig } from "./bench-rows.ts";
import { isOver } from "../src/job/batch.ts";
import { loadFleet } from "../src/config/load.ts";
import { modelId } from "../src/job/names.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { taskQueue } from "../src/runtime/keys.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { poolConcurrency } from "../workers/pool-concurrency.ts";
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
  const queues = openQueues(stage);
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
  const bare = await stage.actor("bareProducer", {}, "bare producer");
  const fleet = await startFleet(stage, scale, { vendor: "instant" });
  const contenders: readonly Contender[] = [
    {
      name: "one bare worker that does nothing",
      processes: [worker.name],
      run: () => drain(queues, { bare, queue: "bare", last: worker, ...scale }),
    },
    {
      name: "bare pipeline of two hops",
      processes: [hop.name, second.name, reader.name],
      run: () => drain(queues, { bare, queue: "one", last: reader, ...scale }),
    },
    { name: "fleet, vendor answers at once", processes: fleet.processes, run: (round) => fleet.run(`flow-${round + 1}`) },
  ];
  const variants = await runInTurns(stage, contenders, scale);
  await queues.close();
  return { title: "End to end, vendor in the process", jobs: scale.jobs, variants, aims: { "fleet, vendor answers at once": 0.35 } };
}

export async function benchHttpFlow(stage: Stage, scale: FlowScale): Promise<Comparison> {
  const queues = openQueues(stage);
  const vendor = await stage.actor("simulatedVendor", { model: MODEL }, "vendor");
  const vendorUrl = await vendor.call<string>("url");
  const fleet = await startFleet(stage, scale, { vendorUrl });
  const concurrency = fleet.concurrency;
  const worker = await stage.actor("bareWorker", { queue: "bare", concurrency, work: { kind: "ask", vendorUrl } }, "worker");
  const bare = await stage.actor("bareProducer", {}, "bare producer");
  const contenders: readonly Contender[] = [
    {
      name: "bare worker, openai SDK",
      processes: [worker.name, vendor.name],
      run: () => drain(queues, { bare, queue: "bare", last: worker, ...scale }),
    },
    { name: "fleet, over HTTP", processes: [...fleet.processes, vendor.name], run: (round) => fleet.run(`http-${round + 1}`) },
  ];
  const variants = await runInTurns(stage, contenders, scale);
  await queues.close();
  return {
    title: `End to end over HTTP, up to ${concurrency} calls at a time`,
    jobs: scale.jobs,
    variants,
    aims: { "fleet, over HTTP": 0.6 },
  };
}

type Queues = ReturnType<typeof openQueues>;

function openQueues({ redis }: Stage) {
  const open = new Map<string, Queue>();
  return {
    of(name: string): Queue {
      const queue = open.get(name) ?? new Queue(name, { connection: redis });
      open.set(name, queue);
      return queue;
    },
    close: () => Promise.all(Array.from(open.values(), (queue) => queue.close())),
  };
}

async function drain(
  queues: Queues,
  { bare, queue, last, jobs }: { bare: Actor; queue: string; last: Actor; jobs: number },
): Promise<number> {
  await queues.of(queue).pause();
  await bare.call("add", { queue, rows: jobs });
  const completed = last.call("complete", { jobs });
  const startedAt = performance.now();
  await queues.of(queue).resume();
  await completed;
  return performance.now() - startedAt;
}

/** All processes of a fleet, and a producer that fills its task queue. */
async function startFleet(
  stage: Stage,
  { jobs }: FlowScale,
  { vendor, vendorUrl }: { readonly vendor?: "instant"; readonly vendorUrl?: string },
) {
  const { redis, redisUrl, dir } = stage;
  const config = await stage.file(
    "fleet.yaml",
    benchConfig({ redisUrl, dir, windowRows: 100_000_000, ...(vendorUrl === undefined ? {} : { vendorUrl }) }),
  );
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
  return {
    processes: processes.map(({ name }) => name),
    concurrency: poolConcurrency(models.get(modelId(PROVIDER, MODEL))!),
    /** One batch, from the first job taken to the last result stored. */
    async run(batch: string): Promise<number> {
      await queue.pause();
      await producer.call("produce", { rows: jobs, batch });
      const startedAt = performance.now();
      await queue.resume();
      for (;;) {
        const status = await states.status(batch);
        if (status && isOver(status.state)) {
          if (status.answered !== jobs) throw new Error(`${status.answered} of ${jobs} jobs were answered`);
          return performance.now() - startedAt;
        }
        await new Promise((wake) => setTimeout(wake, POLL_MS));
      }
    },
  };
}
