// What the fleet is held against: BullMQ's limiter, p-limit and bottleneck, each as somebody sizes it by hand, with two processes each.
//
// BullMQ's limiter is shared by its processes and counts jobs; p-limit and bottleneck know only their own process, which so gets half of the limit. Where tokens bind,
// a limit of jobs is sized by the mean prompt.

import { Queue } from "bullmq";
import { rowsOf, type Work } from "./bench-limits-work.ts";
import type { Actor, Stage } from "./bench-stage.ts";

/** Of every contender. */
export const PROCESSES = 2;

/** What somebody who writes it by hand reckons with. */
export interface Sizing {
  readonly vendorUrl: string;
  readonly model: string;
  readonly work: Work;
  /** Requests or tokens per minute: the vendor's limit. */
  readonly perMinute: number;
  /** What that comes to in calls. */
  readonly callsPerMinute: number;
}

export interface Contender {
  readonly name: string;
  readonly title: string;
  /** Its processes, ready to begin. */
  readonly start: (stage: Stage, sizing: Sizing) => Promise<readonly Actor[]>;
}

export const BULLMQ: Contender = { name: "bullmq", title: "BullMQ with its limiter, rateLimit on 429", start: startBullmq };

export const BOTTLENECK: Contender = {
  name: "bottleneck",
  title: "bottleneck, reservoir and minTime, + SDK retries",
  start(stage, { vendorUrl, model, work, perMinute, callsPerMinute }) {
    const sizing = {
      weighs: work === "tickets" ? "calls" : "tokens",
      perMinute: perMinute / PROCESSES,
      minTimeMs: Math.round((60_000 * PROCESSES) / callsPerMinute),
    };
    return cast(stage, "bottleneck", "bottleneckClient", { vendorUrl, model, work, ...sizing });
  },
};

/** p-limit with a guess: calls per second and process times a latency that nobody knows beforehand. */
export function pLimitFor(latencySeconds: number): Contender {
  const name = `p-limit-${latencySeconds * 1_000}ms`;
  return {
    name,
    title: `p-limit + SDK retries, sized for ${latencySeconds} s a call`,
    start(stage, { vendorUrl, model, work, callsPerMinute }) {
      const concurrency = Math.max(1, Math.round((callsPerMinute / 60 / PROCESSES) * latencySeconds));
      return cast(stage, name, "pLimitClient", { vendorUrl, model, work, concurrency });
    },
  };
}

/** As many jobs a second as the limit allows on average, over both processes. */
async function startBullmq(stage: Stage, { vendorUrl, model, work, callsPerMinute }: Sizing): Promise<readonly Actor[]> {
  const queue = `bullmq-${work}`;
  const adding = new Queue(queue, { connection: stage.redis });
  const rowAt = await rowsOf(work);
  const jobs = Math.ceil(callsPerMinute * BULLMQ_MINUTES);
  const opts = { attempts: 5, backoff: { type: "exponential", delay: 1_000 }, removeOnComplete: true, removeOnFail: true };
  for (let from = 0; from < jobs; from += 500) {
    await adding.addBulk(Array.from({ length: 500 }, (_, i) => ({ name: "call", data: { row: rowAt(from + i) }, opts })));
  }
  const limiter = { max: Math.max(1, Math.floor(callsPerMinute / 60)), duration: 1_000 };
  return cast(stage, "bullmq", "bullmqClient", { vendorUrl, model, work, queue, concurrency: 50, limiter });
}

/** More work than it can do meanwhile. */
const BULLMQ_MINUTES = 2.5;

function cast(stage: Stage, name: string, kind: string, options: object): Promise<readonly Actor[]> {
  return Promise.all(Array.from({ length: PROCESSES }, (_, i) => stage.actor(kind, options, `${name} ${i + 1}`)));
}
