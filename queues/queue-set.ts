// The fleet's queues, opened when first needed and known to the whole fleet by name; every QueueJob gets the same options.

import { Queue, type JobsOptions } from "bullmq";
import type { Redis } from "ioredis";
import { queueJobId } from "../src/job/job.ts";
import type { ModelId } from "../src/job/names.ts";
import { DEAD_QUEUE, fleetKeys, modelQueue, QUEUE_PREFIX, REROUTE_QUEUE, taskQueue } from "../src/runtime/keys.ts";
import { repeatWhenCutOff } from "./pipeline.ts";
import { toTaskPayload, type CallEnvelope, type DeadLetter, type Envelope, type RerouteEnvelope } from "./payload.ts";

/** BullMQ never decides a job's end: it may try for ever, and leaves nothing behind. Our own count of attempts is in the envelope. */
export const JOB_OPTIONS = {
  attempts: 1e9,
  backoff: { type: "fixed", delay: 5_000 },
  removeOnComplete: true,
  removeOnFail: true,
} as const satisfies JobsOptions;

/** Dead letters are shown, not worked on: the last 1,000 stay as failed jobs. */
const DEAD_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: { count: 1_000 } } as const satisfies JobsOptions;

export interface QueueSet {
  queue(name: string): Queue;
  /** Adds rows to their task's queue, in one pipeline. Adding an id that is there is silently dropped, as it should be. */
  addToTask(envelopes: readonly Envelope[], options?: { readonly delayMs?: number }): Promise<void>;
  addCalls(envelopes: readonly CallEnvelope[]): Promise<void>;
  addReroute(envelope: RerouteEnvelope): Promise<void>;
  addDead(letter: DeadLetter): Promise<void>;
  /** Takes away the dead letters of rows that are retried: they are outdated. Those that are not there are no matter. */
  removeDead(jobIds: readonly string[]): Promise<void>;
  /** Names of all queues that any process of the fleet has opened. */
  known(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** `redis`: shared by all queues. */
export function createQueueSet(redis: Redis): QueueSet {
  const queues = new Map<string, Queue>();

  const queue = (name: string): Queue => {
    let found = queues.get(name);
    if (!found) {
      found = new Queue(name, { connection: redis, prefix: QUEUE_PREFIX, streams: { events: { maxLen: 100 } } });
      found.on("error", () => undefined); // the connection's own listener reports it once for all queues
      queues.set(name, found);
      redis.sadd(fleetKeys.queues, name).catch(() => undefined);
    }
    return found;
  };

  return {
    queue,
    async addToTask(envelopes, { delayMs } = {}) {
      const byTask = groupBy(envelopes, (envelope) => envelope.job.task);
      for (const [task, group] of byTask) {
        await addAll(
          queue(taskQueue(task)),
          group.map((envelope) => ({
            name: task,
            data: toTaskPayload(envelope),
            opts: { ...JOB_OPTIONS, jobId: queueJobId(envelope.job, envelope.hop), ...(delayMs ? { delay: delayMs } : {}) },
          })),
        );
      }
    },
    async addCalls(envelopes) {
      const byModel = groupBy(envelopes, (envelope): ModelId => envelope.model);
      await Promise.all(
        Array.from(byModel, ([model, group]) =>
          addAll(
            queue(modelQueue(model)),
            group.map((envelope) => ({
              name: envelope.job.task,
              data: envelope,
              opts: { ...JOB_OPTIONS, jobId: queueJobId(envelope.job, envelope.hop, envelope.part) },
            })),
          ),
        ),
      );
    },
    async addReroute(envelope) {
      await queue(REROUTE_QUEUE).add(envelope.job.task, envelope, { ...JOB_OPTIONS, jobId: queueJobId(envelope.job, envelope.hop) });
    },
    async addDead(letter) {
      const { job, hop } = letter.envelope;
      await queue(DEAD_QUEUE).add(job.task, letter, { ...DEAD_OPTIONS, jobId: queueJobId(job, hop) });
    },
    async removeDead(jobIds) {
      await Promise.all(jobIds.map((jobId) => queue(DEAD_QUEUE).remove(jobId)));
    },
    known: () => redis.smembers(fleetKeys.queues),
    async stop() {
      await Promise.all(Array.from(queues.values(), (each) => each.close()));
    },
  };
}

/** Those of a pipeline that was cut off may be there already, or be through: an id that is there is dropped, and what is through is not claimed again. */
async function addAll(queue: Queue, jobs: Parameters<Queue["addBulk"]>[0]): Promise<void> {
  await repeatWhenCutOff(() => queue.addBulk(jobs));
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
