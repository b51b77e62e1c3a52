// (d) The producer's memory while it feeds a large file through a small window, to a consumer that takes everything away at once.

import type { Redis } from "ioredis";
import { Queue } from "bullmq";
import { taskQueue, batchKeys } from "../src/runtime/keys.ts";
import type { MemoryReading } from "./bench-fleet.ts";
import { renderTable } from "./bench-report.ts";
import { benchConfig, TASK, writeRows } from "./bench-rows.ts";
import type { Stage } from "./bench-stage.ts";

const CONSUME_EVERY_MS = 20;

export interface MemoryResult {
  readonly input: string;
  readonly rowsPerSecond: number;
  readonly readings: readonly MemoryReading[];
}

/** Once for rows without labels, once with: the labels seen are remembered, at 16 bytes each. */
export async function benchMemory(stage: Stage, { rows }: { readonly rows: number }): Promise<readonly MemoryResult[]> {
  const { redis, redisUrl, dir } = stage;
  const config = await stage.file("fleet.yaml", benchConfig({ redisUrl, dir, windowRows: 5_000 }));
  const marks = [rows / 10, rows / 2, rows];
  const results: MemoryResult[] = [];
  for (const withIds of [false, true]) {
    const file = `${dir}/${withIds ? "labelled" : "plain"}.jsonl`;
    await writeRows(file, rows, { withIds });
    const batch = withIds ? "labelled" : "plain";
    // A process of its own for each: memory is that of the process.
    const producer = await stage.actor("fleetProducer", { config }, `${batch} producer`);
    const consumer = consume(redis, batch);
    const { ms, readings } = await producer.call<{ ms: number; readings: readonly MemoryReading[] }>("feed", { file, batch, marks });
    await consumer.stop();
    results.push({ input: withIds ? "rows with ids" : "rows without ids", rowsPerSecond: Math.round((rows / ms) * 1_000), readings });
  }
  return results;
}

/** Stands in for the fleet: empties the task queue and says that what was in it has been stored. */
function consume(redis: Redis, batch: string) {
  const queue = new Queue(taskQueue(TASK), { connection: redis });
  const keys = batchKeys(batch);
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      const [opened, openedBytes] = await redis.hmget(keys.meta, "opened", "openedBytes");
      await queue.drain();
      await redis.del(keys.open);
      if (opened) await redis.hset(keys.meta, { stored: opened, storedBytes: openedBytes ?? "0" });
      await new Promise((wake) => setTimeout(wake, CONSUME_EVERY_MS));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await running;
      await queue.close();
    },
  };
}

export function renderMemory(rows: number, results: readonly MemoryResult[]): string {
  const heading = ["", ...(results[0]?.readings ?? []).map((reading) => `at ${reading.rows.toLocaleString("en")}`), "peak", "rows/s"];
  const body = results.map(({ input, readings, rowsPerSecond }) => [
    input,
    ...readings.map((reading) => `${Math.round(reading.rssMiB)} MiB`),
    `${Math.round(readings.at(-1)?.peakMiB ?? 0)} MiB`,
    rowsPerSecond.toLocaleString("en"),
  ]);
  return `Resident memory of \`modelfleet enqueue\` on ${rows.toLocaleString("en")} rows, window 5,000\n${renderTable([heading, ...body])}`;
}
