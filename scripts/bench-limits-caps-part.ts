// caps as a part: which runs, in which order, and the table of what they found.

import { capsRuns, runCaps, type CapsRun, type CapsScale, type CapUse } from "./bench-limits-caps.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { percent, rounded, verdict, whole, type PartReport } from "./bench-limits-report.ts";
import { idleNotes } from "./bench-limits-window.ts";
import { hasMeetings } from "./bench-limits-work.ts";

export const FULL_CAPS: CapsScale = { caps: [600, 6_000, 30_000, "tokens"], pools: [1, 2, 4], warmUpMs: 10_000, windowMs: 60_000 };
export const QUICK_CAPS: CapsScale = { caps: [6_000], pools: [2], warmUpMs: 5_000, windowMs: 15_000 };

const LEAST_USE = 0.98;
const MOST_429 = 0.001;

export async function benchCaps(context: PartContext): Promise<PartReport> {
  const scale = context.isQuick ? QUICK_CAPS : FULL_CAPS;
  const { caps = scale.caps, pools = scale.pools } = context;
  const runs = await measureCaps({ ...scale, caps, pools }, context);
  return capsReport(runs, { isWithoutMeetings: !hasMeetings && caps.includes("tokens") });
}

/** All runs of a scale, one after the other: what a test asks for. */
export async function measureCaps(scale: CapsScale, { onStage, tell }: Pick<PartContext, "onStage" | "tell">): Promise<readonly CapsRun[]> {
  const found: CapsRun[] = [];
  for (const { vendors, pools } of capsRuns(scale)) {
    tell(`caps: ${vendors.map(({ name }) => name).join(", ")}; pool processes: ${pools}`);
    found.push(await onStage((stage) => runCaps(stage, { ...scale, vendors, pools })));
  }
  return found;
}

/** What is aimed at. One refused call is always allowed. */
export function capAims({ use, share429, stretch }: CapUse) {
  return [
    { name: "use", isReached: use >= LEAST_USE },
    { name: "429", isReached: share429 <= MOST_429 || stretch.refused429 <= 1 },
  ];
}

function capsReport(runs: readonly CapsRun[], { isWithoutMeetings }: { readonly isWithoutMeetings: boolean }): PartReport {
  const rows = runs.flatMap((run) => run.uses.map((use) => ({ ...use, cpuUs: run.cpuUs, idle: run.idle })));
  const table = rows.map((use) => [
    `${use.vendor.kind}, burst ${use.vendor.burstSeconds} s, ${use.cap === "tokens" ? "600,000 tokens/min" : `${whole(use.cap)} rpm`}`,
    String(use.pools),
    percent(use.use, 2),
    percent(use.share429, 2),
    whole(use.stretch.calls),
    `${use.slots.meanInFlight.toFixed(0)} / ${use.slots.mean.toFixed(0)} / ${use.slots.most}`,
    `${whole(use.cpuUs.pools)} + ${whole(use.cpuUs.redis)}`,
    use.ranDry ? "of no use: the work ran out" : verdict(capAims(use)),
  ]);
  return {
    title: "Use of the vendors' caps under saturation",
    table: [
      [
        "",
        "pools",
        "use of cap",
        "429",
        "calls",
        "in flight / slots / most",
        "CPU µs per call",
        `aim: ≥ ${percent(LEAST_USE, 0)}, ≤ ${percent(MOST_429)}`,
      ],
      ...table,
    ],
    notes: [
      "use: what the vendor charged in the window over cap × window, in the dimension that binds; 429: share of the calls (one call is always allowed).",
      "in flight: calls at the vendor, mean; slots: workers that hold a call of this model, waiting for their permit included, mean and most.",
      "CPU: pool processes + Redis, over all calls of the run (vendors of low caps share a run).",
      ...idleNotes(runs.map(({ idle }) => idle)),
      ...(isWithoutMeetings ? ["600,000 tokens/min is skipped: ../shared/data/meetings-qmsum.jsonl is missing."] : []),
    ],
    data: {
      runs: rows.map((use) => ({
        vendor: use.vendor.kind,
        burstSeconds: use.vendor.burstSeconds,
        cap: use.cap,
        pools: use.pools,
        seconds: rounded(use.stretch.seconds, 1),
        dimension: use.dimension,
        use: rounded(use.use),
        share429: rounded(use.share429, 5),
        calls: use.stretch.calls,
        refused429: use.stretch.refused429,
        slots: { mean: rounded(use.slots.mean, 1), most: use.slots.most, meanInFlight: rounded(use.slots.meanInFlight, 1) },
        cpuUsPerCall: Object.fromEntries(Object.entries(use.cpuUs).map(([name, us]) => [name, Math.round(us)])),
        idle: rounded(use.idle, 2),
        isReached: !use.ranDry && capAims(use).every(({ isReached }) => isReached),
      })),
    },
  };
}
