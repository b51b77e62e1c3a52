// Watches for drift, task by task, on the fleet's statistics. A fall is written down in Redis, where status finds it; whoever writes it first says so in the log.

import type { RedisConnection } from "../queues/connection.ts";
import type { ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import type { CallStats } from "../src/routing/call-stats.ts";
import { findFalls, type Fall } from "../src/routing/drift.ts";
import type { Clock } from "../src/runtime/clock.ts";
import type { Logger } from "../src/runtime/logger.ts";
import { forgetDrift, noteDrift, readDrifts } from "../queues/drift-notes.ts";

export interface DriftWatch {
  /** The task puts models that have fallen behind all others, and this one has. */
  isDemoted(task: string, model: ModelId): boolean;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 5_000;

export function createDriftWatch(options: {
  readonly tasks: Iterable<TaskSpec>;
  readonly stats: Pick<CallStats, "of">;
  readonly redis: RedisConnection;
  readonly clock: Clock;
  readonly log: Logger;
}): DriftWatch {
  const { stats, redis, clock, log } = options;
  const watched = Array.from(options.tasks, ({ name, drift }) => ({ name, drift })).filter(({ drift }) => drift !== undefined);
  const fallen = new Map<string, ReadonlyMap<ModelId, Fall>>();
  const stopping = new AbortController();

  /** What other processes found before this one began. */
  const readNotes = async () => {
    const notes = await readDrifts(redis);
    for (const { name } of watched) {
      fallen.set(name, new Map(notes.filter(({ task }) => task === name).map((note) => [note.subject, note])));
    }
  };

  const look = async () => {
    if (fallen.size === 0) await readNotes();
    for (const { name, drift } of watched) {
      const before = fallen.get(name) ?? new Map<ModelId, Fall>();
      const falls = findFalls(
        drift!,
        (subject) => stats.of(name, subject),
        (subject) => before.has(subject),
      );
      fallen.set(name, new Map(falls.map((fall) => [fall.subject, fall])));
      for (const fall of falls) {
        if (await noteDrift(redis, name, fall)) log.warn({ task: name, ...fall }, "drift: answers have fallen off from what the pilot saw");
      }
      for (const subject of before.keys()) {
        if (fallen.get(name)?.has(subject)) continue;
        if (await forgetDrift(redis, name, subject)) log.info({ task: name, subject }, "drift: back to what the pilot saw");
      }
    }
  };

  const running = (async () => {
    while (watched.length > 0 && !stopping.signal.aborted) {
      await look().catch(() => undefined); // Redis away: the next look will do
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
    }
  })();

  return {
    isDemoted(task, model) {
      const fall = fallen.get(task)?.get(model);
      return fall !== undefined && (watched.find(({ name }) => name === task)?.drift?.isDemoting ?? false);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
