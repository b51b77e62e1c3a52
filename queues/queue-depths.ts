// How full every queue of the fleet is: those of the configuration, and those that any process has ever opened.

import type { Fleet } from "../src/config/fleet.ts";
import { DEAD_QUEUE, modelQueue, parseQueueName, REROUTE_QUEUE, taskQueue } from "../src/runtime/keys.ts";
import type { QueueSet } from "./queue-set.ts";

export interface QueueDepth {
  readonly name: string;
  /** The name for people: `task classify-ticket`, `model openai/gpt-5-mini`, `reroute`, `dead letters`. */
  readonly title: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** Jobs kept as failed: dead letters. */
  readonly failed: number;
  readonly parkedMs: number;
}

/** BullMQ tells a park only against a limit: this is the one that workers of model queues are made with, never reached. */
export const PARK_LIMIT = 2 ** 40;

/** Names of the fleet's queues in the order of the flow: tasks, models, reroute, dead letters. Names that are not the fleet's are left out. */
export async function queueNames({ fleet, queues }: { readonly fleet: Fleet; readonly queues: QueueSet }): Promise<readonly string[]> {
  const known = (await queues.known()).toSorted();
  const ofKind = (kind: string) => known.filter((name) => parseQueueName(name)?.kind === kind);
  return [
    ...new Set([
      ...Array.from(fleet.tasks.keys(), taskQueue),
      ...ofKind("task"),
      ...Array.from(fleet.models.keys(), modelQueue),
      ...ofKind("model"),
      REROUTE_QUEUE,
      DEAD_QUEUE,
    ]),
  ];
}

export async function readQueueDepths(options: { readonly fleet: Fleet; readonly queues: QueueSet }): Promise<readonly QueueDepth[]> {
  const names = await queueNames(options);
  return Promise.all(
    names.map(async (name) => {
      const queue = options.queues.queue(name);
      const isModel = parseQueueName(name)?.kind === "model";
      const [counts, parkedMs] = await Promise.all([
        queue.getJobCounts("wait", "prioritized", "active", "delayed", "failed"),
        isModel ? queue.getRateLimitTtl(PARK_LIMIT) : 0,
      ]);
      const count = (state: string) => counts[state] ?? 0;
      return {
        name,
        title: queueTitle(name),
        waiting: count("wait") + count("prioritized"),
        active: count("active"),
        delayed: count("delayed"),
        failed: count("failed"),
        parkedMs: Math.max(0, parkedMs),
      };
    }),
  );
}

export function queueTitle(name: string): string {
  const parsed = parseQueueName(name);
  switch (parsed?.kind) {
    case "task":
      return `task ${parsed.task}`;
    case "model":
      return `model ${parsed.model}`;
    case "reroute":
      return "reroute";
    case "dead":
      return "dead letters";
    case undefined:
      return name;
    default:
      return parsed satisfies never;
  }
}
