// One fleet for many vendor faults at once: each case has a vendor, a task and a batch of its own, so that cases run side by side and none
// disturbs another. What the fleet did is read from the store (every row with its trail), from Redis and from the simulator's ledger.

import { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { createBatchStates } from "../../queues/batch-state.ts";
import { readBreakers } from "../../queues/breaker-states.ts";
import type { BreakerState } from "../../src/breaker/breaker.ts";
import { DEFAULT_BREAKER_SETTINGS, type StoredBreaker } from "../../src/breaker/breaker-machine.ts";
import { createRedisBoard } from "../../src/breaker/redis-board.ts";
import type { BatchStatus } from "../../src/job/batch.ts";
import type { ProviderKind } from "../../src/job/model.ts";
import type { ModelId } from "../../src/job/names.ts";
import type { Result } from "../../src/job/result.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { DEAD_QUEUE, modelQueue, taskQueue } from "../../src/runtime/keys.ts";
import type { FaultInput } from "../../src/simulator/faults.ts";
import { sumCounts, type LedgerCounts } from "../../src/simulator/ledger-book.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { startTestFleet, until, type TestFleet } from "./fleet.ts";

/** A task's options, with a route of model names of the case's vendor and {@link BACKUP}. */
export type TaskOptions = { readonly route: { readonly models: readonly string[]; readonly fallback?: readonly string[] } } & Readonly<
  Record<string, unknown>
>;

export interface VendorCase {
  readonly kind: ProviderKind;
  /** By name: what the simulator is told of the model, and what the fleet is. */
  readonly models: Readonly<Record<string, { readonly simulated?: object; readonly configured?: object }>>;
  /** 20 unless given. */
  readonly latencyMs?: number;
  /** Named like the case. */
  readonly task: TaskOptions;
  /** Further tasks, by name: each has a batch of its own. */
  readonly tasks?: Readonly<Record<string, TaskOptions>>;
  /** Where the fleet finds the vendor, given the simulator's address: a proxy, where the case needs one. */
  readonly address?: (simulatorUrl: string) => string;
}

export interface VendorFleet {
  readonly fleet: TestFleet;
  readonly redis: Redis;
  /** Sends rows of the case's task as a batch named like the case; `payload` is added to each. */
  send(name: string, rows: number, payload?: object): Promise<void>;
  status(name: string): Promise<BatchStatus | undefined>;
  /** The case's batch when it has ended: every row once, in order. */
  results(name: string, withinMs?: number): Promise<readonly Result[]>;
  setFault(name: string, fault: Omit<FaultInput, "vendor">): void;
  clearFaults(name: string): void;
  /** What the case's vendor saw, of one model or of all. */
  seen(name: string, model?: string): LedgerCounts;
  breaker(model: string): Promise<BreakerState>;
  /** As if the time of the open breakers of the case's vendor were over. */
  endOpenings(name: string): Promise<void>;
  active(model: string): Promise<number>;
  /** Rows of the case's task among the dead letters. */
  deadLetters(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** The vendor that never fails: every case may fall back to `backup/any`. */
export const BACKUP = "backup/any";

export async function startVendorFleet(
  cases: Readonly<Record<string, VendorCase>>,
  { callLog = false }: { readonly callLog?: boolean } = {},
): Promise<VendorFleet> {
  const backup = { kind: "openai", models: { any: {} } };
  const fleet = await startTestFleet({
    simulator: { callLog, vendors: { ...simulatedVendors(cases), backup } as SimulatorOptionsInput["vendors"] },
    config: (url) => configOf(cases, url),
  });
  await fleet.start("up", "--no-web");
  const redis = fleet.redis.client();
  const states = createBatchStates(redis);
  const store = createFileStore({ dir: join(fleet.dir, "data", "store") });
  const board = createRedisBoard({ redis, settings: DEFAULT_BREAKER_SETTINGS });
  const queues = new Map<string, Queue>();
  const queue = (name: string): Queue => {
    const found = queues.get(name) ?? new Queue(name, { connection: redis });
    queues.set(name, found);
    return found;
  };

  return {
    fleet,
    redis,
    async send(name, rows, payload = {}) {
      await queue(taskQueue(name)).addBulk(
        Array.from({ length: rows }, (_, row) => ({
          name,
          data: { v: 1, batch: name, row, total: rows, input: { text: `question ${row} of ${name}` }, ...payload },
        })),
      );
    },
    status: (name) => states.status(name),
    async results(name, withinMs) {
      await until(`the end of ${name}`, async () => (await states.status(name))?.state === "finished", withinMs);
      const results: Result[] = [];
      for await (const result of store.read(name)) results.push(result);
      return results;
    },
    setFault: (name, fault) => fleet.simulator.setFault({ ...fault, vendor: name }),
    clearFaults: (name) => fleet.simulator.clearFaults({ vendor: name }),
    seen(name, model) {
      const vendor = fleet.simulator.ledger().vendors[name];
      return (model === undefined ? vendor?.total : vendor?.models[model]) ?? sumCounts([]);
    },
    async breaker(model) {
      return (await readBreakers(redis, [model as ModelId])).get(model as ModelId)!;
    },
    async endOpenings(name) {
      const { now, states: stored } = await board.read(name);
      for (const [field, text] of stored) {
        const breaker = JSON.parse(text) as StoredBreaker;
        if (breaker.kind === "open") await board.swap(name, field, text, JSON.stringify({ ...breaker, openUntil: now }));
      }
    },
    active: (model) => queue(modelQueue(model as ModelId)).getActiveCount(),
    async deadLetters(name) {
      const letters = await queue(DEAD_QUEUE).getFailed(0, 1_000);
      return letters.filter((letter) => letter.name === name).length;
    },
    async stop() {
      await Promise.all(Array.from(queues.values(), (each) => each.close()));
      await store.stop();
      await fleet.stop();
    },
  };
}

/** The outcomes of a row's calls of one model, in order. */
export function outcomesAt(result: Result, model: string): readonly string[] {
  return entriesAt(result, model).map((entry) => entry.outcome);
}

export function entriesAt(result: Result, model: string): readonly TrailEntry[] {
  return result.trail.filter((entry) => entry.model === model);
}

/** The models that answered, and how many rows each. Rows without an answer stand under their error's code. */
export function answersBy(results: readonly Result[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of results) {
    const by = result.status === "answered" ? result.model : result.error.code;
    counts[by] = (counts[by] ?? 0) + 1;
  }
  return counts;
}

function simulatedVendors(cases: Readonly<Record<string, VendorCase>>): object {
  return Object.fromEntries(
    Object.entries(cases).map(([name, { kind, models, latencyMs = 20 }]) => [
      name,
      {
        kind,
        latency: { baseMs: latencyMs },
        models: Object.fromEntries(Object.entries(models).map(([model, { simulated = {} }]) => [model, simulated])),
      },
    ]),
  );
}

function configOf(cases: Readonly<Record<string, VendorCase>>, url: string): object {
  const provider = (name: string, kind: ProviderKind, at: string, models: object) => ({
    kind,
    apiKey: "${SIMULATED_KEY}",
    baseUrl: kind === "anthropic" ? `${at}/${name}` : `${at}/${name}/v1`,
    models,
  });
  const own = Object.entries(cases).map(([name, { kind, models, address }]) => [
    name,
    provider(
      name,
      kind,
      address?.(url) ?? url,
      Object.fromEntries(Object.entries(models).map(([model, { configured = {} }]) => [model, configured])),
    ),
  ]);
  const tasks = Object.entries(cases).flatMap(([name, { task, tasks: others = {} }]) =>
    Object.entries({ [name]: task, ...others }).map(([taskName, options]) => [taskName, taskOf(name, options)]),
  );
  return {
    providers: { ...Object.fromEntries(own), backup: provider("backup", "openai", url, { any: { contextWindow: 1_000_000 } }) },
    tasks: Object.fromEntries(tasks),
    queues: { lock: "5s", stalledCheck: "2s" },
  };
}

function taskOf(vendor: string, options: TaskOptions): object {
  const { models, fallback = [] } = options.route;
  const full = (model: string) => (model.includes("/") ? model : `${vendor}/${model}`);
  const route = { strategy: "ordered", models: models.map(full), fallback: fallback.map(full) };
  return { prompt: { user: "{{ input.text }}" }, timeout: "10s", ...options, route };
}
