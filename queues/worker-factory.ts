// The one place where BullMQ workers are made: BullMQ moves jobs, it never decides a job's end.
//
// A processor that throws is tried again: for ever while Redis is away. A fault of ours may be there for ever, so BullMQ counts those (`attemptsMade`), and who admits
// jobs (workers/admission.ts) ends the row of one that has met too many.

import { DelayedError, WaitingError, Worker, type Job as QueueJob } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "../src/runtime/logger.ts";
import { QUEUE_PREFIX } from "../src/runtime/keys.ts";
import { placeOfFault } from "./fault-place.ts";
import { isRedisFailure } from "./redis-failure.ts";

/** What becomes of the QueueJob when its processor is through. */
export type Disposition =
  /** It is finished here (and goes on elsewhere, or its result is recorded). */
  | { readonly kind: "finish" }
  /** Same queue, later; uses no attempt. `data` replaces the payload. */
  | { readonly kind: "later"; readonly delayMs: number; readonly data?: object }
  /** Same queue, now: handed back at shutdown. */
  | { readonly kind: "back"; readonly data?: object }
  /** Dead letters only: it stays, as a failed job, with its reason. */
  | { readonly kind: "keep-as-failed"; readonly reason: string };

/** A processor that throws tries again after this. */
const FAULT_DELAY_MS = 5_000;

export interface WorkerOptions {
  readonly queue: string;
  readonly redis: Redis;
  readonly concurrency: number;
  readonly lockMs: number;
  readonly stalledCheckMs: number;
  readonly log: Logger;
  readonly process: (job: QueueJob, signal: AbortSignal) => Promise<Disposition>;
  /** A queue that others may park: its worker then heeds `queue.rateLimit`. */
  readonly parkable?: boolean;
}

export interface FleetWorker {
  readonly queue: string;
  /** Jobs side by side from now on, at least 1 (to stop altogether, park the queue). More start at once; fewer, as those running end. */
  setConcurrency(jobs: number): void;
  /** Stops taking jobs; resolves when those running have ended (see `abort`). */
  stop(): Promise<void>;
}

/** Makes and starts a worker. Its processor's disposition is carried out here and nowhere else. */
export function createFleetWorker(options: WorkerOptions): FleetWorker {
  const { queue, log } = options;
  const worker = new Worker(
    queue,
    async (job, token, signal) => {
      const disposition = await options.process(job, signal ?? NEVER).catch((error: unknown): Disposition | Fault => {
        log.error({ queue, job: job.id, err: error }, "processor failed; the job is tried again");
        return isRedisFailure(error) ? { kind: "later", delayMs: FAULT_DELAY_MS } : { kind: "fault", reason: placeOfFault(error) };
      });
      if (disposition.kind === "finish") return;
      if (disposition.kind === "keep-as-failed") throw new Error(disposition.reason);
      job.opts.attempts = 1e9; // a foreign client's job may say 1: what fails from here on must not end it
      job.opts.backoff = { type: "fixed", delay: FAULT_DELAY_MS };
      if (disposition.kind === "fault") throw new Error(disposition.reason);
      if (disposition.data) await job.updateData(disposition.data);
      if (disposition.kind === "later") {
        await job.moveToDelayed(Date.now() + disposition.delayMs, token);
        throw new DelayedError();
      }
      await job.moveToWait(token);
      throw new WaitingError();
    },
    {
      connection: options.redis,
      prefix: QUEUE_PREFIX,
      concurrency: options.concurrency,
      lockDuration: options.lockMs,
      stalledInterval: options.stalledCheckMs,
      // With the default of 1, a job whose worker is killed twice would be failed without our code ever running.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 1_000,
      // Without a limiter of its own a worker would not heed queue.rateLimit(); this one never limits.
      ...(options.parkable ? { limiter: { max: 2 ** 40, duration: 60_000 } } : {}),
      maximumRateLimitDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  // A lost lock or connection is normal life: the job stalls and runs again, the claim decides.
  worker.on("error", (error) => log.debug({ queue, error: error.message }, "worker error"));

  let stopping: Promise<void> | undefined;
  return {
    queue,
    setConcurrency(jobs) {
      const isRaised = jobs > worker.concurrency;
      worker.concurrency = jobs;
      if (!isRaised || stopping) return;
      // By itself the worker's loop looks at its concurrency only when a running job ends; resuming wakes it. Both are called in one go, without waiting
      // in between: a loop that came round while paused and idle would end, and nobody would start it again.
      void worker.pause(true);
      void worker.resume();
    },
    stop() {
      stopping ??= worker.close();
      return stopping;
    },
  };
}

/** The processor has a fault: BullMQ counts it, keeps the reason with the job, and tries again. */
interface Fault {
  readonly kind: "fault";
  readonly reason: string;
}

const NEVER = new AbortController().signal;
