// A web process on a real Redis, and a fleet's worth of things to show.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { createBatchStates } from "../../../queues/batch-state.ts";
import { NO_PEERS } from "../../../queues/fleet-registry.ts";
import { createQueueSet } from "../../../queues/queue-set.ts";
import { createRedisBreaker } from "../../../src/breaker/redis-breaker.ts";
import type { Fleet } from "../../../src/config/fleet.ts";
import { loadFleet } from "../../../src/config/load.ts";
import { createCallStats } from "../../../src/routing/call-stats.ts";
import { createMemoryStatsBook } from "../../../src/routing/memory-stats-book.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { readEnvironment } from "../../../src/runtime/environment.ts";
import { silentLogger, type Logger } from "../../../src/runtime/logger.ts";
import type { ProcessContext } from "../../../workers/process-context.ts";

export const TWO_VENDORS = `
providers:
  openai:
    kind: openai
    apiKey: \${OPENAI_API_KEY}
    models:
      gpt-5-mini: { tier: fast, price: { input: 0.25, output: 2 }, limits: { rpm: 10000, tpm: 2000000 } }
  anthropic:
    kind: anthropic
    apiKey: \${ANTHROPIC_API_KEY}
    models:
      claude-haiku-4-5: { tier: fast, limits: { rpm: 4000, itpm: 4000000, otpm: 800000 } }
tasks:
  classify-ticket:
    prompt: { user: "{{ input.text }}" }
    route: { models: [openai/gpt-5-mini], fallback: [anthropic/claude-haiku-4-5] }
web: { port: 0 }
`;

export async function fleetOf(yaml = TWO_VENDORS): Promise<Fleet> {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-web-"));
  try {
    await writeFile(join(dir, "fleet.yaml"), yaml);
    const environment = readEnvironment({ OPENAI_API_KEY: "secret-of-openai", ANTHROPIC_API_KEY: "secret-of-anthropic" });
    return await loadFleet("fleet.yaml", { environment, cwd: dir });
  } finally {
    await rm(dir, { recursive: true });
  }
}

export interface TestContext extends ProcessContext {
  stop(): Promise<void>;
}

/** The connection stays the caller's. */
export function contextOf(redis: Redis, fleet: Fleet, log: Logger = silentLogger): TestContext {
  const queues = createQueueSet(redis);
  const clock = systemClock;
  const breaker = createRedisBreaker({ redis, clock, models: fleet.models.keys() });
  const stats = createCallStats({
    books: new Map(Array.from(fleet.providers.keys(), (provider) => [provider, createMemoryStatsBook({ clock })])),
    tasks: fleet.tasks.keys(),
    models: fleet.models.keys(),
    clock,
  });
  return {
    fleet,
    redis,
    states: createBatchStates(redis),
    queues,
    breaker,
    stats,
    peers: NO_PEERS,
    clock,
    log,
    async stop() {
      await breaker.stop();
      await stats.stop();
      await queues.stop();
    },
  };
}
