// The models as a router would see them at this moment, for one decision that nobody acts on.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Fleet } from "../src/config/fleet.ts";
import { StoppedError } from "../src/job/errors.ts";
import type { ModelId } from "../src/job/names.ts";
import type { TaskSpec } from "../src/job/task.ts";
import { createCallStats } from "../src/routing/call-stats.ts";
import type { ModelView } from "../src/routing/model-view.ts";
import { NO_STATS } from "../src/routing/model-stats.ts";
import { createRedisStatsBook } from "../src/routing/redis-stats-book.ts";
import { readBreakers } from "../queues/breaker-states.ts";
import { readDrifts } from "../queues/drift-notes.ts";
import { capacityOf, liveProcesses, together } from "../queues/fleet-registry.ts";
import { isAlive } from "../queues/folder-lock.ts";
import { createModelView } from "../workers/model-view.ts";
import { openFleet, type OpenFleet } from "./open-fleet.ts";

export interface ExplainView {
  readonly view: ModelView;
  /** Why nothing is known of the fleet's state; absent: it is. */
  readonly whyBlind?: string;
  close(): Promise<void>;
}

/** By the running fleet, or where there is none by the configuration alone. `models`: those to be looked at. */
export async function openExplainView(fleet: Fleet, task: TaskSpec, models: readonly ModelId[]): Promise<ExplainView> {
  const whyBlind = fleet.redisUrl === undefined && !(await isEmbeddedRunning(fleet)) ? "no fleet is running here" : undefined;
  if (whyBlind !== undefined) return blindView(fleet, whyBlind);
  try {
    const open = await openFleet({}, { fleet });
    return await liveView(open, task, models).catch(async (error: unknown) => {
      await open.close();
      throw error;
    });
  } catch (error) {
    // Redis can't be reached: the rest of the question can still be answered.
    if (error instanceof StoppedError) return blindView(fleet, error.message);
    throw error;
  }
}

/** A server of our own is only looked at, never started for this. */
async function isEmbeddedRunning({ dataDir }: Fleet): Promise<boolean> {
  try {
    const { pid } = JSON.parse(await readFile(resolve(dataDir, "redis", "server.json"), "utf8")) as { readonly pid: number };
    return isAlive(pid);
  } catch {
    return false;
  }
}

async function liveView(open: OpenFleet, task: TaskSpec, models: readonly ModelId[]): Promise<ExplainView> {
  const { fleet, redis, queues, clock } = open;
  const books = new Map(Array.from(fleet.providers.keys(), (provider) => [provider, createRedisStatsBook({ redis, provider })]));
  const stats = createCallStats({ books, tasks: [task.name], models: fleet.models.keys(), clock });
  const [breakers, processes, drifts] = await Promise.all([
    readBreakers(redis, fleet.models.keys()),
    liveProcesses(redis),
    readDrifts(redis),
    stats.read(),
  ]);
  const isDemoting = task.drift?.isDemoting ?? false;
  const view = createModelView({
    models: fleet.models,
    queues,
    breaker: { state: (id) => breakers.get(id) ?? { kind: "closed" } },
    peers: { capacity: (id) => together(processes.flatMap((each) => capacityOf(each, id) ?? [])) },
    stats,
    isDemoted: (name, id) => isDemoting && drifts.some((note) => note.task === name && note.subject === id),
    whyShut: () => undefined,
    clock,
  });
  // It reads the models that were asked about: the reading under way knows nothing of these, the next one does.
  for (const id of models) view.availability(id);
  await view.changed();
  await view.changed();
  return {
    view,
    async close() {
      await Promise.all([view.stop(), stats.stop()]);
      await open.close();
    },
  };
}

function blindView({ models }: Fleet, whyBlind: string): ExplainView {
  const view: ModelView = {
    model: (id) => models.get(id),
    availability: () => ({ kind: "available" }),
    expectedWaitMs: () => 0,
    stats: () => NO_STATS,
    isDemoted: () => false,
    whyShut: () => undefined,
  };
  return { view, whyBlind, close: async () => undefined };
}
