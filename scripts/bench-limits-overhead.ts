// overhead: what the limiter costs, as CPU per job. A vendor that answers at once inside the pool, once with limits too high to bind and once without any; two
// fleets, each with its own Redis, in turns.

import { Queue } from "bullmq";
import { taskQueue } from "../src/runtime/keys.ts";
import { isOver } from "../src/job/batch.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { MODEL, PROVIDER } from "./bench-rows.ts";
import { median } from "./bench-report.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { rounded, whole, type PartReport } from "./bench-limits-report.ts";
import { fleetConfig, type ModelLimits, type TaskSetup, type VendorSetup } from "./bench-limits-setup.ts";
import type { Stage } from "./bench-stage.ts";

const POLL_MS = 10;
const TASK: TaskSetup = { name: "classify", work: "tickets", models: [`${PROVIDER}/${MODEL}`] };

const VARIANTS: readonly { readonly title: string; readonly limits: ModelLimits }[] = [
  { title: "no limits", limits: {} },
  { title: "limits that never bind", limits: { rpm: 6_000_000, tpm: 6_000_000_000 } },
];

interface Round {
  readonly ms: number;
  /** CPU time per job in microseconds, by process. */
  readonly cpuUs: ReadonlyMap<string, number>;
}

export async function benchOverhead({ isQuick, onStage, tell }: PartContext): Promise<PartReport> {
  const { jobs, rounds } = isQuick ? { jobs: 3_000, rounds: 2 } : { jobs: 8_000, rounds: 6 };
  tell(`overhead: ${rounds} rounds of ${whole(jobs)} jobs, and one for warming up`);
  const taken = VARIANTS.map(() => [] as Round[]);
  await onStage((off) =>
    onStage(async (on) => {
      const fleets = await Promise.all([off, on].map((stage, i) => startInstantFleet(stage, VARIANTS[i]!.limits, jobs)));
      for (let round = -1; round < rounds; round++) {
        for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const one = await fleets[i]!(`round-${round + 1}`);
          if (round >= 0) taken[i]!.push(one);
        }
      }
    }),
  );
  return overheadReport(taken, { jobs, rounds });
}

/** Answers with a function that takes one batch through the fleet. */
async function startInstantFleet(stage: Stage, limits: ModelLimits, jobs: number): Promise<(batch: string) => Promise<Round>> {
  const vendors: readonly VendorSetup[] = [
    { name: PROVIDER, kind: "openai", burstSeconds: 1, models: { [MODEL]: { limits, work: TASK.work } } },
  ];
  const { redisUrl, dir, redis } = stage;
  const nowhere = "http://127.0.0.1:1";
  const config = await stage.file("fleet.yaml", fleetConfig({ redisUrl, dir, vendors, urlOf: () => nowhere, tasks: [TASK] }));
  const producer = await stage.actor("rowProducer");
  await Promise.all([
    stage.actor("fleetRole", { config, role: "router" }, "router"),
    stage.actor("fleetRole", { config, role: `pool:${PROVIDER}`, vendor: "instant" }, "pool"),
    stage.actor("fleetRole", { config, role: "reroute" }, "reroute"),
    stage.actor("fleetRole", { config, role: "recorder" }, "recorder"),
  ]);
  const states = createBatchStates(redis);
  const queue = new Queue(taskQueue(TASK.name), { connection: redis });
  return async (batch) => {
    await queue.pause();
    await producer.call("produce", { task: TASK.name, batch, work: TASK.work, rows: jobs });
    const before = await stage.cpu();
    const startedAt = performance.now();
    await queue.resume();
    for (;;) {
      const status = await states.status(batch);
      if (status && isOver(status.state)) {
        if (status.answered !== jobs) throw new Error(`${status.answered} of ${jobs} jobs were answered`);
        break;
      }
      await stage.sleep(POLL_MS);
    }
    const ms = performance.now() - startedAt;
    const after = await stage.cpu();
    const used = Array.from(after, ([name, cpuMs]): [string, number] => [name, ((cpuMs - (before.get(name) ?? 0)) * 1_000) / jobs]);
    return { ms, cpuUs: new Map(used.filter(([name]) => name !== producer.name)) };
  };
}

function overheadReport(
  taken: readonly (readonly Round[])[],
  { jobs, rounds }: { readonly jobs: number; readonly rounds: number },
): PartReport {
  const allUs = ({ cpuUs }: Round) => [...cpuUs.values()].reduce((sum, us) => sum + us, 0);
  const variants = taken.map((of, i) => {
    const names = Array.from(of[0]!.cpuUs.keys());
    return {
      title: VARIANTS[i]!.title,
      jobsPerSecond: (jobs * 1_000) / median(of.map(({ ms }) => ms)),
      cpuUs: median(of.map(allUs)),
      byProcess: names.map((name): [string, number] => [name, median(of.map(({ cpuUs }) => cpuUs.get(name) ?? 0))]),
      /** Round by round, to the one without limits. */
      ratio: median(of.map((round, n) => allUs(round) / allUs(taken[0]![n]!))),
    };
  });
  return {
    title: `CPU per job at zero vendor latency (${whole(jobs)} jobs, ${rounds} rounds, medians)`,
    table: [
      ["", "jobs/s", "CPU µs per job", "ratio", "by process"],
      ...variants.map(({ title, jobsPerSecond, cpuUs, ratio, byProcess }) => [
        title,
        whole(jobsPerSecond),
        whole(cpuUs),
        ratio.toFixed(2),
        byProcess.map(([name, us]) => `${name} ${whole(us)}`).join(" + "),
      ]),
    ],
    notes: ["Also without limits every call gets its permit: it is the call's write-ahead record."],
    data: {
      variants: variants.map(({ title, jobsPerSecond, cpuUs, ratio, byProcess }) => ({
        variant: title,
        jobsPerSecond: Math.round(jobsPerSecond),
        cpuUsPerJob: Math.round(cpuUs),
        ratio: rounded(ratio, 3),
        byProcess: Object.fromEntries(byProcess.map(([name, us]) => [name, Math.round(us)])),
      })),
    },
  };
}
