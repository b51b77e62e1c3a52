// (a) Enqueueing: our producer against `addBulk` in chunks of 500, with payloads of the same size, nothing consuming.

import type { Comparison } from "./bench-report.ts";
import { benchConfig, TASK, writeRows } from "./bench-rows.ts";
import { runInTurns, type Contender } from "./bench-rounds.ts";
import type { Stage } from "./bench-stage.ts";

export async function benchEnqueue(
  stage: Stage,
  { jobs, rounds }: { readonly jobs: number; readonly rounds: number },
): Promise<Comparison> {
  const { redis, redisUrl, dir } = stage;
  const config = await stage.file("fleet.yaml", benchConfig({ redisUrl, dir, windowRows: 100_000_000 }));
  const file = `${dir}/rows.jsonl`;
  await writeRows(file, jobs);
  const bare = await stage.actor("bareProducer");
  const fleet = await stage.actor("fleetProducer", { config });

  /** Outside the clock: what was enqueued goes away again. */
  const emptied = async (ms: number, queue: string) => {
    const waiting = await redis.llen(`bull:${queue}:wait`);
    if (waiting !== jobs) throw new Error(`${waiting} jobs were enqueued, not ${jobs}`);
    await redis.flushdb();
    return ms;
  };
  const taskQueue = `{task.${TASK}}`;
  const contenders: readonly Contender[] = [
    { name: ADD_BULK, processes: [bare.name], run: async () => emptied(await bare.call("add", { queue: "bare", rows: jobs }), "bare") },
    {
      name: FROM_MEMORY,
      processes: [fleet.name],
      run: async (round) => emptied(await fleet.call("produce", { rows: jobs, batch: `memory-${round + 1}` }), taskQueue),
    },
    {
      name: ADD_BULK_FILE,
      processes: [bare.name],
      run: async () => emptied(await bare.call("add", { queue: "bare", rows: jobs, file }), "bare"),
    },
    {
      name: FROM_FILE,
      processes: [fleet.name],
      run: async (round) => emptied((await fleet.call<{ ms: number }>("feed", { file, batch: `file-${round + 1}` })).ms, taskQueue),
    },
  ];
  const variants = await runInTurns(stage, contenders, { rounds, jobs });
  return { title: "Enqueue", jobs, variants, aims: { [FROM_MEMORY]: 0.8, [FROM_FILE]: 0.8 } };
}

const ADD_BULK = "bare addBulk, rows from memory";
const ADD_BULK_FILE = "bare addBulk, rows from a JSONL file";
const FROM_MEMORY = "createProducer, rows from memory";
const FROM_FILE = "modelfleet enqueue: JSONL, validated, digested";
