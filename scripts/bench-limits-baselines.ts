// baselines: what people write by hand, side by side with the fleet, each against a vendor of its own with the same limits.

import { createBatchStates } from "../queues/batch-state.ts";
import { BOTTLENECK, BULLMQ, pLimitFor, PROCESSES, type Contender } from "./bench-limits-contenders.ts";
import { poolProcesses, startFleet, startVendors } from "./bench-limits-fleet.ts";
import { share429, stretchBetween, useOf, type Stretch } from "./bench-limits-ledger.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { percent, rounded, whole, type PartReport } from "./bench-limits-report.ts";
import { taskPerModel, vendorUrl, type ModelLimits, type VendorSetup } from "./bench-limits-setup.ts";
import { hasMeetings, meanMeetingTokens, type Work } from "./bench-limits-work.ts";
import { idleNotes, measureWindow } from "./bench-limits-window.ts";
import type { Actor, Stage } from "./bench-stage.ts";

const MODEL = "m";
const RPM = 6_000;
const TPM = 600_000;
/** Rows for the time in which the processes start. */
const STARTING_MS = 15_000;
const FLEET = "modelfleet";

/** Those that share a run with the fleet: together they leave some of the machine. */
const GROUPS: readonly { readonly work: Work; readonly contenders: readonly Contender[] }[] = [
  { work: "tickets", contenders: [BULLMQ, BOTTLENECK] },
  { work: "tickets", contenders: [pLimitFor(0.1), pLimitFor(0.4)] },
  ...(hasMeetings ? [{ work: "meetings", contenders: [BULLMQ, BOTTLENECK, pLimitFor(0.1), pLimitFor(0.4)] } as const] : []),
];

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
  for (const { work, contenders } of GROUPS) {
    tell(
      `baselines: ${contenders.map(({ name }) => name).join(", ")} and ${FLEET}; bound by ${work === "tickets" ? "requests" : "tokens"}`,
    );
    found.push(...(await onStage((stage) => runSideBySide(stage, { work, contenders, ...scale }))));
  }
  return baselinesReport(found);
}

async function runSideBySide(
  stage: Stage,
  {
    work,
    contenders,
    warmUpMs,
    windowMs,
  }: { readonly work: Work; readonly contenders: readonly Contender[]; readonly warmUpMs: number; readonly windowMs: number },
): Promise<readonly BaselineUse[]> {
  const limits: ModelLimits = work === "tickets" ? { rpm: RPM } : { rpm: RPM, tpm: TPM };
  const vendorOf = (name: string): VendorSetup => ({ name, kind: "openai", burstSeconds: 1, models: { [MODEL]: { limits, work } } });
  const callsPerMinute = work === "tickets" ? RPM : TPM / (await meanMeetingTokens());
  const fleet = vendorOf(FLEET);
  const { url } = await startVendors(stage, [fleet, ...contenders.map(({ name }) => vendorOf(name))]);
  const task = taskPerModel([fleet])[0]!;
  const rows = Math.ceil((((STARTING_MS + warmUpMs + windowMs) * callsPerMinute) / 60_000) * 1.2);
  const producer = await stage.actor("rowProducer");
  const [casts] = await Promise.all([
    Promise.all(
      contenders.map(({ name, start }) =>
        start(stage, {
          vendorUrl: vendorUrl(url, vendorOf(name)),
          model: MODEL,
          work,
          perMinute: work === "tickets" ? RPM : TPM,
          callsPerMinute,
        }),
      ),
    ),
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
    ...contenders.map(({ name, title }, i) => ({ title, failed: failed[i]!, ...useOfVendor(name) })),
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
      "Where tokens bind, BullMQ and p-limit are sized by the mean prompt, bottleneck weighs every prompt. A call takes 0.2 s: p-limit is sized for half and for twice as long.",
      "rows given up: after the last attempt, since the start.",
      ...idleNotes(found.map(({ idle }) => idle)),
      ...(found.some(({ work }) => work === "meetings")
        ? []
        : ["600,000 tokens/min is skipped: ../shared/data/meetings-qmsum.jsonl is missing."]),
    ],
    data: {
      contenders: found.map(({ title, work, stretch, use, failed, idle }) => ({
        contender: title,
        bound: work === "tickets" ? "requests" : "tokens",
        use: rounded(use),
        share429: rounded(share429(stretch), 5),
        calls: stretch.calls,
        answered: stretch.answered,
        failed,
        idle: rounded(idle, 2),
      })),
    },
  };
}
