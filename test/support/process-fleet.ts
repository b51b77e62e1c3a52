// A fleet within the test's own process, on a real Redis, whose one vendor `alpha` with its model `one` is a function of the test: for what no real vendor does.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { createProducer } from "../../queues/producer.ts";
import { isOver } from "../../src/job/batch.ts";
import { loadFleet } from "../../src/config/load.ts";
import type { LedgerEntry } from "../../src/job/ledger.ts";
import type { Result } from "../../src/job/result.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { createFileStore } from "../../src/results/files/file-store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";
import { silentLogger, type Logger } from "../../src/runtime/logger.ts";
import { startFleetProcess } from "../../workers/fleet-process.ts";
import type { ProcessContext } from "../../workers/process-context.ts";
import { startPool } from "../../workers/start-pool.ts";
import { collect } from "../results/sample-results.ts";
import { until } from "./fleet.ts";
import { startTestRedis } from "./redis.ts";

/** Of the model, in dollars per million tokens. */
const PRICE = { input: 1, output: 5 };

export interface ProcessFleet {
  readonly redis: Redis;
  readonly context: ProcessContext;
  /** Rows of the task `ask` as a whole batch. */
  send(batch: string, texts: readonly string[]): Promise<void>;
  /** What is stored of a batch when it has ended; `meanwhile` is done again and again until then. */
  ended(
    batch: string,
    meanwhile?: () => Promise<unknown>,
  ): Promise<{ readonly results: readonly Result[]; readonly ledger: readonly LedgerEntry[] }>;
  stop(): Promise<void>;
}

export async function startProcessFleet({
  call,
  log = silentLogger,
}: {
  readonly call: Provider["call"];
  readonly log?: Logger;
}): Promise<ProcessFleet> {
  const server = await startTestRedis();
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-process-"));
  const path = join(dir, "fleet.yaml");
  const alpha = { kind: "openai", apiKey: "${SIMULATED_KEY}", models: { one: { price: PRICE, limits: { rpm: 60_000 } } } };
  const ask = { prompt: { user: "{{ input.text }}" }, route: ["alpha/one"] };
  await writeFile(path, JSON.stringify({ providers: { alpha }, tasks: { ask } }));
  const environment = readEnvironment({ REDIS_URL: server.url, MODELFLEET_DATA: join(dir, "data"), SIMULATED_KEY: "simulated" });
  const fleet = await loadFleet(path, { environment, cwd: dir });
  const roles = ["router", "reroute", "recorder"] as const;
  const running = await startFleetProcess({ fleet, redisUrl: server.url, roles, clock: systemClock, log });
  const pool = await startPool(running.context, "alpha", { call, instruction: () => undefined, probe: () => Promise.resolve(undefined) });
  return {
    redis: server.client(),
    context: running.context,
    async send(batch, texts) {
      const producer = await createProducer({ redisUrl: server.url, task: "ask", batch });
      for (const text of texts) await producer.add({ input: { text } });
      await producer.seal();
      await producer.stop();
    },
    async ended(batch, meanwhile = () => Promise.resolve()) {
      await until(`the end of ${batch}`, async () => {
        await meanwhile();
        const status = await running.context.states.status(batch);
        return status !== undefined && isOver(status.state);
      });
      const store = createFileStore({ dir: join(dir, "data", "store") });
      const stored = { results: await collect(store.read(batch)), ledger: await collect(store.ledger(batch)) };
      await store.stop();
      return stored;
    },
    async stop() {
      await pool.stop(0);
      await running.stop(0);
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
