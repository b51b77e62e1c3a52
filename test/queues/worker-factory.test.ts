import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createQueueSet, JOB_OPTIONS, type QueueSet } from "../../queues/queue-set.ts";
import { createFleetWorker, type FleetWorker, type Disposition } from "../../queues/worker-factory.ts";
import { modelQueue } from "../../src/runtime/keys.ts";
import { silentLogger, type Logger } from "../../src/runtime/logger.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const QUEUE = modelQueue("alpha/one");

let server: TestRedis;
let redis: Redis;
let queues: QueueSet;
let worker: FleetWorker | undefined;
/** The jobs under way, each with what ends it. */
const running = new Map<string, () => void>();
const endOne = () => {
  const [id, end] = running.entries().next().value!;
  running.delete(id);
  end();
};

beforeAll(async () => {
  server = await startTestRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushdb();
  queues = createQueueSet(redis);
});
afterEach(async () => {
  const stopped = worker?.stop();
  while (running.size > 0) endOne();
  await stopped;
  worker = undefined;
  await queues.stop();
});

const add = (jobs: number, from = 0) =>
  queues
    .queue(QUEUE)
    .addBulk(Array.from({ length: jobs }, (_, i) => ({ name: "x", data: {}, opts: { ...JOB_OPTIONS, jobId: `b.${from + i}.0` } })));

const isEmpty = async () => (await queues.queue(QUEUE).getJobCountByTypes("wait", "active", "delayed")) === 0;

/** A worker whose jobs run until they are let go, or as `work` says. */
function startWorker(concurrency: number, work?: (id: string) => Promise<Disposition>, log: Logger = silentLogger) {
  const started: string[] = [];
  let most = 0;
  worker = createFleetWorker({
    queue: QUEUE,
    redis,
    concurrency,
    lockMs: 30_000,
    stalledCheckMs: 5_000,
    log,
    parkable: true,
    async process({ id }) {
      started.push(id!);
      const over = new Promise<void>((end) => running.set(id!, end));
      most = Math.max(most, running.size);
      const disposition = await (work?.(id!) ?? over.then((): Disposition => ({ kind: "finish" })));
      running.delete(id!);
      return disposition;
    },
  });
  return {
    worker,
    started,
    /** Jobs that ran side by side at most, since asked last. */
    most: () => {
      const found = most;
      most = running.size;
      return found;
    },
  };
}

describe("a worker's concurrency", () => {
  it("when raised takes effect at once, though no running job ends", async () => {
    const { worker, started } = startWorker(2);
    await add(40);
    await expect.poll(() => running.size).toBe(2);
    worker.setConcurrency(25);
    await expect.poll(() => running.size).toBe(25);
    expect(new Set(started).size).toBe(25);
    worker.setConcurrency(40);
    await expect.poll(() => running.size).toBe(40);
    expect(new Set(started).size).toBe(40);
    while (running.size > 0) endOne();
    await expect.poll(isEmpty).toBe(true);
  });

  it("when raised on an idle worker counts from the next jobs on", async () => {
    const { worker } = startWorker(1);
    await add(1);
    await expect.poll(() => running.size).toBe(1);
    endOne();
    await expect.poll(isEmpty).toBe(true);
    worker.setConcurrency(10);
    await add(20, 1);
    await expect.poll(() => running.size).toBe(10);
  });

  it("when lowered takes no further job until fewer run", async () => {
    const { worker, started, most } = startWorker(10);
    await add(40);
    await expect.poll(() => running.size).toBe(10);
    worker.setConcurrency(3);
    for (let ended = 1; ended <= 7; ended++) {
      endOne();
      await expect.poll(() => queues.queue(QUEUE).getActiveCount()).toBe(10 - ended);
    }
    expect(started.length).toBe(10);
    most();
    for (let ended = 1; ended <= 20; ended++) {
      endOne();
      await expect.poll(() => started.length).toBe(10 + ended);
    }
    expect(most()).toBe(3);
  });

  it("changed all the time loses no job, runs none twice, and leaves the worker working", async () => {
    const jobs = 1_500;
    const retried = new Set<string>();
    const { worker, started } = startWorker(5, async (id) => {
      await new Promise((wake) => setTimeout(wake, Math.random() * 8));
      // Now and then one is put off, and runs a second time on purpose.
      if (Number(id.split(".")[1]) % 50 !== 0 || retried.has(id)) return { kind: "finish" };
      retried.add(id);
      return { kind: "later", delayMs: 5 };
    });
    let isOver = false;
    const changing = (async () => {
      while (!isOver) {
        worker.setConcurrency(1 + Math.floor(Math.random() * 40));
        await new Promise((wake) => (Math.random() < 0.5 ? setImmediate(wake) : setTimeout(wake, Math.random() * 4)));
      }
    })();
    for (let from = 0; from < jobs; from += 100) {
      await add(100, from);
      // In between the queue runs dry, so that the worker is also met while idle.
      await expect.poll(() => started.length === from + 100 + retried.size, { timeout: 20_000 }).toBe(true);
      if (from === 700) await queues.queue(QUEUE).rateLimit(100);
    }
    isOver = true;
    await changing;
    await expect.poll(isEmpty).toBe(true);
    expect(new Set(started).size).toBe(jobs);
    expect(started.length).toBe(jobs + jobs / 50);
  });

  it("is left alone once the worker stops", async () => {
    const { worker, started } = startWorker(1);
    await add(10);
    await expect.poll(() => running.size).toBe(1);
    const stopped = worker.stop();
    worker.setConcurrency(10);
    endOne();
    await stopped;
    expect(started.length).toBe(1);
    expect(await queues.queue(QUEUE).getWaitingCount()).toBe(9);
  });
});

describe("a processor that throws", () => {
  /** Throws what it is given for the first job, over and over, until it has thrown so often; the logs of it. */
  const throwing = (what: () => unknown, times: number) => {
    const logged: unknown[] = [];
    startWorker(5, (id) => (id === "b.0.0" && logged.length < times ? Promise.reject(what()) : Promise.resolve({ kind: "finish" })), {
      ...silentLogger,
      error: (fields: unknown) => void logged.push(fields),
    });
    return logged;
  };
  /** The job as it stands; what waits for its next try then needn't wait any longer. */
  const hurried = async () => {
    const job = await queues.queue(QUEUE).getJob("b.0.0");
    await queues.queue(QUEUE).promoteJobs();
    return job;
  };

  it("by a fault of ours is tried again, and each time is counted and logged, while other jobs run", async () => {
    await add(3);
    const logged = throwing(() => new TypeError("fault"), 4);
    let counted = 0;
    await expect
      .poll(async () => {
        counted = Math.max(counted, (await hurried())?.attemptsMade ?? 0);
        return isEmpty();
      })
      .toBe(true);
    expect(counted).toBe(4);
    expect(logged).toHaveLength(4);
  });

  it("by a fault of ours leaves its place with the job, and nothing of what the row holds", async () => {
    await add(1);
    throwing(() => new TypeError("secret words of a row"), 1e9);
    await expect.poll(async () => (await hurried())?.attemptsMade).toBeGreaterThan(1);
    const job = await queues.queue(QUEUE).getJob("b.0.0");
    expect(job?.failedReason).toMatch(/^TypeError at test\/queues\/worker-factory\.test\.ts:\d+:\d+$/);
    expect(JSON.stringify(await redis.hgetall(`bull:${QUEUE}:b.0.0`))).not.toContain("secret words");
  });

  it("as Redis is away, or full, is tried again without being counted", async () => {
    await add(1);
    const full = Object.assign(new Error("OOM command not allowed when used memory > 'maxmemory'."), { name: "ReplyError" });
    const logged = throwing(() => full, 30);
    let seen = 0;
    await expect
      .poll(
        async () => {
          seen = Math.max(seen, (await hurried())?.attemptsMade ?? 0);
          return isEmpty();
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    expect(logged).toHaveLength(30);
    expect(seen).toBe(0);
  });

  it("is tried again though a foreign client gave its job one attempt", async () => {
    await queues.queue(QUEUE).add("x", {}, { attempts: 1, jobId: "b.0.0" });
    const logged = throwing(() => new TypeError("fault"), 3);
    await expect.poll(async () => (await hurried(), logged.length)).toBe(3);
    await expect.poll(async () => (await hurried(), isEmpty())).toBe(true);
    expect(await queues.queue(QUEUE).getFailedCount()).toBe(0);
  });
});
