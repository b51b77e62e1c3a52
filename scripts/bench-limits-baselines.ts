// baselines: what people write by hand, beside the fleet in the same run, each against a vendor of its own with the same limits. Everybody has two processes.
//
// BullMQ's limiter is shared by its processes and counts jobs; p-limit and bottleneck know only their own process, which so gets half of the limit. Where tokens bind,
// a limit of jobs is sized by the mean prompt.

import { Queue } from "bullmq";
import { createBatchStates } from "../queues/batch-state.ts";
import { poolProcesses, startFleet, startVendors } from "./bench-limits-fleet.ts";
import { share429, stretchBetween, useOf, type Stretch } from "./bench-limits-ledger.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { percent, rounded, whole, type PartReport } from "./bench-limits-report.ts";
import { taskPerModel, vendorUrl, type ModelLimits, type VendorSetup } from "./bench-limits-setup.ts";
import { hasMeetings, meanMeetingTokens, rowsOf, type Work } from "./bench-limits-work.ts";
import { idleNotes, measureWindow } from "./bench-limits-window.ts";
import type { Actor, Stage } from "./bench-stage.ts";

const MODEL = "m";
const PROCESSES = 2;
const RPM = 6_000;
const TPM = 600_000;
/** Rows for the time in which the processes start. */
const STARTING_MS = 15_000;
const FLEET = "modelfleet";

/** What somebody who writes it by hand reckons with. */
interface Sizing {
  readonly work: Work;
  readonly callsPerMinute: number;
}

interface Contender {
  readonly name: string;
  readonly title: string;
  /** Its processes, ready to begin. */
  readonly start: (stage: Stage, vendorUrl: string, sizing: Sizing) => Promise<readonly Actor[]>;
}

/** p-limit with a guess: calls per second and process times a latency that nobody knows beforehand. The true one is 0.2 s. */
const pLimitBy = (latencySeconds: number): Contender => ({
  name: `p-limit-${latencySeconds * 1_000}`,
  title: `p-limit + SDK retries, sized for ${latencySeconds} s a call`,
  start: (stage, vendorUrl, { work, callsPerMinute }) => {
    const concurrency = Math.max(1, Math.round((callsPerMinute / 60 / PROCESSES) * latencySeconds));
    return begun(stage, "pLimitClient", { vendorUrl, model: MODEL, work, concurrency });
  },
});

const CONTENDERS: readonly Contender[] = [
  { name: "bullmq", title: "BullMQ with its limiter, rateLimit on 429", start: startBullmq },
  pLimitBy(0.1),
  pLimitBy(1),
  {
    name: "bottleneck",
    title: "bottleneck, reservoir and minTime, + SDK retries",
    start: (stage, vendorUrl, { work, callsPerMinute }) => {
      const weighs = work === "tickets" ? "calls" : "tokens";
      const perMinute = (work === "tickets" ? RPM : TPM) / PROCESSES;
      return begun(stage, "bottleneckClient", {
        vendorUrl,
        model: MODEL,
        work,
        weighs,
        perMinute,
        minTimeMs: Math.round((60_000 * PROCESSES) / callsPerMinute),
      });
    },
  },
];

async function startBullmq(stage: Stage, vendorUrl: string, { work, callsPerMinute }: Sizing): Promise<readonly Actor[]> {
  const queue = `bullmq-${work}`;
  const perSecond = Math.max(1, Math.floor(callsPerMinute / 60));
  const limiter = { max: perSecond, duration: 1_000 };
  const adding = new Queue(queue, { connection: stage.redis });
  const rowAt = await rowsOf(work);
  const jobs = Math.ceil(callsPerMinute * 2.5);
  const opts = { attempts: 5, backoff: { type: "exponential", delay: 1_000 }, removeOnComplete: true, removeOnFail: true };
  for (let from = 0; from < jobs; from += 500) {
    await adding.addBulk(Array.from({ length: 500 }, (_, i) => ({ name: "call", data: { row: rowAt(from + i) }, opts })));
  }
  return begun(stage, "bullmqClient", { vendorUrl, model: MODEL, work, queue, concurrency: 50, limiter });
}

function begun(stage: Stage, kind: string, options: object): Promise<readonly Actor[]> {
  return Promise.all(Array.from({ length: PROCESSES }, (_, i) => stage.actor(kind, options, `${kind} ${i + 1}`)));
}

interface BaselineUse {
  readonly title: string;
  readonly work: Work;
  readonly stretch: Stretch;
  readonly use: number;
  /** Of the machine, meanwhile. */
  readonly idle: number;
  /** Rows given up, by the contender's own count. */
  readonly failed: number;
}

export async function benchBaselines({ isQuick, onStage, tell }: PartContext): Promise<PartReport> {
  const scale = isQuick ? { warmUpMs: 5_000, windowMs: 15_000 } : { warmUpMs: 10_000, windowMs: 60_000 };
  const found: BaselineUse[] = [];
  for (const work of ["tickets", "meetings"] as const) {
    if (work === "meetings" && !hasMeetings) continue;
    tell(`baselines: ${work === "tickets" ? "bound by requests" : "bound by tokens"}`);
    found.push(...(await onStage((stage) => runSideBySide(stage, work, scale))));
  }
  return baselinesReport(found);
}

async function runSideBySide(
  stage: Stage,
  work: Work,
  { warmUpMs, windowMs }: { readonly warmUpMs: number; readonly windowMs: number },
): Promise<readonly BaselineUse[]> {
  const limits: ModelLimits = work === "tickets" ? { rpm: RPM } : { rpm: RPM, tpm: TPM };
  const vendorOf = (name: string): VendorSetup => ({ name, kind: "openai", burstSeconds: 1, models: { [MODEL]: { limits, work } } });
  const callsPerMinute = work === "tickets" ? RPM : TPM / (await meanMeetingTokens());
  const fleet = vendorOf(FLEET);
  const { url } = await startVendors(stage, [fleet, ...CONTENDERS.map(({ name }) => vendorOf(name))]);
  const task = taskPerModel([fleet])[0]!;
  const rows = Math.ceil((((STARTING_MS + warmUpMs + windowMs) * callsPerMinute) / 60_000) * 1.2);
  const producer = await stage.actor("rowProducer");
  const [casts] = await Promise.all([
    Promise.all(CONTENDERS.map(({ name, start }) => start(stage, vendorUrl(url, vendorOf(name)), { work, callsPerMinute }))),
    startFleet(stage, { vendors: [fleet], urlOf: () => url, tasks: [task], pools: poolProcesses([fleet], PROCESSES) }),
    producer.call("produce", { task: task.name, batch: task.name, work, rows }),
  ]);
  await Promise.all(casts.flat().map((actor) => actor.call("begin")));
  await stage.sleep(warmUpMs);
  const { before, after, idle } = await measureWindow(stage, url, windowMs);
  const failed = await Promise.all(casts.map(failedOf));
  const ours = await createBatchStates(stage.redis).status(task.name);
  const useOfVendor = (vendor: string) => {
    const stretch = stretchBetween(before, after, { vendor, model: MODEL });
    return { work, stretch, idle, use: useOf(stretch, limits).use };
  };
  return [
    ...CONTENDERS.map(({ name, title }, i) => ({ title, failed: failed[i]!, ...useOfVendor(name) })),
    { title: FLEET, failed: ours?.failed ?? 0, ...useOfVendor(FLEET) },
  ];
}

async function failedOf(actors: readonly Actor[]): Promise<number> {
  const counts = await Promise.all(actors.map((actor) => actor.call<{ failed: number }>("counts")));
  return counts.reduce((sum, { failed }) => sum + failed, 0);
}

function baselinesReport(found: readonly BaselineUse[]): PartReport {
  const bound = (work: Work) => (work === "tickets" ? `${whole(RPM)} requests/min` : `${whole(TPM)} tokens/min`);
  const rows = found.map(({ title, work, stretch, use, failed }) => [
    `${bound(work)}: ${title}`,
    percent(use),
    percent(share429(stretch), 2),
    whole(stretch.calls),
    whole((stretch.answered * 60) / stretch.seconds),
    whole(failed),
  ]);
  return {
    title: `Side by side, each against a vendor of its own (burst 1 s), ${PROCESSES} processes each`,
    table: [["", "use of cap", "429", "calls", "answered/min", "rows given up"], ...rows],
    notes: [
      "BullMQ's limiter is sized per second and shared; p-limit and bottleneck know their own process only, which gets half of the limit.",
      "Where tokens bind, BullMQ and p-limit are sized by the mean prompt, bottleneck weighs every prompt. A call takes 0.2 s, which p-limit's sizing has to guess.",
      "rows given up: after the last attempt, since the start.",
      ...idleNotes(found.map(({ idle }) => idle)),
      ...(found.some(({ work }) => work === "meetings")
        ? []
        : ["600,000 tokens/min is skipped: ../shared/data/meetings-qmsum.jsonl is missing."]),
    ],
    data: {
      contenders: found.map(({ title, work, stretch, use, failed }) => ({
        contender: title,
        bound: work === "tickets" ? "requests" : "tokens",
        use: rounded(use),
        share429: rounded(share429(stretch), 5),
        calls: stretch.calls,
        answered: stretch.answered,
        failed,
      })),
    },
  };
}
