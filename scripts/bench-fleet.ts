// Our side of the benches: the producer by both its ways in, and the processes of the fleet.

import type { Fleet } from "../src/config/fleet.ts";
import { loadFleet } from "../src/config/load.ts";
import { createRedisBreaker } from "../src/breaker/redis-breaker.ts";
import type { Provider } from "../src/providers/provider.ts";
import { NO_USAGE } from "../src/job/usage.ts";
import { createCallStats } from "../src/routing/call-stats.ts";
import { createRedisStatsBook } from "../src/routing/redis-stats-book.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { readEnvironment } from "../src/runtime/environment.ts";
import { createLogger } from "../src/runtime/logger.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { connectRedis } from "../queues/connection.ts";
import { NO_PEERS } from "../queues/fleet-registry.ts";
import { createProducer } from "../queues/producer.ts";
import { createQueueSet } from "../queues/queue-set.ts";
import { startFleetProcess, type Role } from "../workers/fleet-process.ts";
import { startPool } from "../workers/start-pool.ts";
import { feedBatch, openBatch } from "./batch-session.ts";
import { rowsInMemory } from "./bench-bare.ts";
import { LABELS, PROVIDER, TASK } from "./bench-rows.ts";
import type { Commands } from "./bench-stage.ts";
import { openInput, requireTask } from "./job-input.ts";
import { openFleet } from "./open-fleet.ts";

const MEMORY_MARK_MS = 20;

/** Both answer with the milliseconds they took: `produce` through the TypeScript API, `feed` as `modelfleet enqueue` does it, from a file. */
export function fleetProducer({ redisUrl, config }: { readonly redisUrl: string; readonly config: string }): Commands {
  return {
    async produce({ rows, batch, task = TASK }: { readonly rows: number; readonly batch: string; readonly task?: string }) {
      const producer = await createProducer({
        redisUrl,
        task,
        batch,
        windowRows: Number.MAX_SAFE_INTEGER,
        windowBytes: Number.MAX_SAFE_INTEGER,
      });
      const startedAt = performance.now();
      for (const input of rowsInMemory(rows)) await producer.add({ input });
      await producer.seal();
      const ms = performance.now() - startedAt;
      await producer.stop();
      return ms;
    },
    async feed({ file, batch, marks = [] }: { readonly file: string; readonly batch: string; readonly marks?: readonly number[] }) {
      const open = await openFleet({ config });
      const task = requireTask(open.fleet, TASK);
      const input = await openInput(file, task, "jsonl");
      const session = await openBatch(open, input, TASK, { batch });
      const memory = watchMemory(marks, async () => (await open.states.status(batch))?.cursor ?? 0);
      const startedAt = performance.now();
      await feedBatch(open, input, session, TASK, { signal: new AbortController().signal });
      const ms = performance.now() - startedAt;
      const readings = await memory.stop();
      await open.close();
      return { ms, readings };
    },
    end: () => Promise.resolve(),
  };
}

export interface MemoryReading {
  readonly rows: number;
  /** Resident memory at this moment, and its peak so far. */
  readonly rssMiB: number;
  readonly peakMiB: number;
}

/** Reads this process's memory whenever one of the marks has been passed. */
function watchMemory(marks: readonly number[], rowsSoFar: () => Promise<number>) {
  const readings: MemoryReading[] = [];
  let isOver = marks.length === 0;
  const take = async () => {
    const rows = await rowsSoFar();
    const mark = marks[readings.length];
    if (mark === undefined || rows < mark) return;
    readings.push({ rows: mark, rssMiB: process.memoryUsage.rss() / 2 ** 20, peakMiB: process.resourceUsage().maxRSS / 2 ** 10 });
  };
  const watching = (async () => {
    while (!isOver) {
      await take();
      await systemClock.sleep(MEMORY_MARK_MS);
    }
  })();
  return {
    async stop(): Promise<readonly MemoryReading[]> {
      isOver = true;
      await watching;
      await take();
      return readings;
    },
  };
}

/** One process of the fleet. `vendor`: `instant` for a pool whose vendor answers at once, inside the process; else the configured one. */
export async function fleetRole({
  config,
  role,
  vendor,
  answer = `{"label":"${LABELS[0]}"}`,
}: {
  readonly config: string;
  readonly role: Role;
  readonly vendor?: "instant";
  /** What an instant vendor says to everything. */
  readonly answer?: string;
}): Promise<Commands> {
  const fleet = await loadFleet(config, { environment: readEnvironment() });
  const log = createLogger({ role, level: "warn" });
  const running =
    vendor === "instant"
      ? await startInstantPool(fleet, answer, log)
      : await startFleetProcess({ fleet, redisUrl: fleet.redisUrl!, roles: [role], clock: systemClock, log });
  return { end: () => running.stop(1_000) };
}

/** As the fleet makes it (workers/fleet-process.ts), but for the provider. */
async function startInstantPool(fleet: Fleet, answer: string, log: ReturnType<typeof createLogger>) {
  const redis = connectRedis(fleet.redisUrl!, { role: "worker", name: "pool-bench", log });
  const queues = createQueueSet(redis);
  const breaker = createRedisBreaker({ redis, clock: systemClock, models: fleet.models.keys() });
  const stats = createCallStats({
    books: new Map(Array.from(fleet.providers.keys(), (provider) => [provider, createRedisStatsBook({ redis, provider })])),
    tasks: fleet.tasks.keys(),
    models: fleet.models.keys(),
    clock: systemClock,
  });
  const states = createBatchStates(redis);
  const context = { fleet, redis, states, queues, breaker, stats, peers: NO_PEERS, clock: systemClock, log };
  const pool = await startPool(context, PROVIDER, instantProvider(answer));
  return {
    async stop(graceMs: number) {
      await pool.stop(graceMs);
      await breaker.stop();
      await stats.stop();
      await queues.stop();
      redis.disconnect();
    },
  };
}

const instantProvider = (text: string): Provider => ({
  call: () =>
    Promise.resolve({
      outcome: { kind: "answered", answer: { text, finish: { unified: "stop", raw: "stop" } } },
      usage: { ...NO_USAGE, inputTokens: 60, outputTokens: 8 },
      limits: [],
      billable: true,
      requestId: "req_bench",
    }),
  instruction: () => undefined,
  probe: () => Promise.resolve(undefined),
});

/** The simulator in a process of its own: no latency, no limits. `url` is its OpenAI vendor's. */
export async function simulatedVendor({ model }: { readonly model: string }): Promise<Commands> {
  const simulator = createSimulator({ port: 0, vendors: { vendor: { kind: "openai", models: { [model]: {} } } } });
  const { url } = await simulator.start();
  return { url: () => Promise.resolve(`${url}/vendor/v1`), end: () => simulator.stop() };
}
