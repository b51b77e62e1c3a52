// makespan: a finite mixed batch, held against the least time that the vendors' limits allow.
//
// Four models of two vendors, each with its own task: two bound by requests, two by tokens. The least time is max over models(requests/rpm, tokens/tpm). A full
// bucket pays for the first second's worth at once, so that a fleet could even be faster: the strict minimum takes that off. Tokens are what the vendor charges.

import { isOver } from "../src/job/batch.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { poolProcesses, startFleet, startVendors } from "./bench-limits-fleet.ts";
import { readLedger, stretchBetween, type Dimension, type Stretch } from "./bench-limits-ledger.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { percent, rounded, verdict, whole, type PartReport } from "./bench-limits-report.ts";
import { taskPerModel, type TaskSetup, type VendorSetup } from "./bench-limits-setup.ts";
import { hasMeetings, meanMeetingTokens } from "./bench-limits-work.ts";
import type { Stage } from "./bench-stage.ts";

const POOLS = 2;
const BURST_SECONDS = 1;
const MOST = 1.05;
const POLL_MS = 20;

const VENDORS: readonly VendorSetup[] = [
  {
    name: "openai",
    kind: "openai",
    burstSeconds: BURST_SECONDS,
    models: {
      small: { limits: { rpm: 3_000 }, work: "tickets" },
      ...(hasMeetings ? { large: { limits: { rpm: 6_000, tpm: 600_000 }, work: "meetings" } } : {}),
    },
  },
  {
    name: "anthropic",
    kind: "anthropic",
    burstSeconds: BURST_SECONDS,
    models: {
      small: { limits: { rpm: 2_400 }, work: "tickets" },
      ...(hasMeetings ? { large: { limits: { rpm: 6_000, itpm: 400_000, otpm: 200_000 }, work: "meetings" } } : {}),
    },
  },
];

interface ModelSpan {
  readonly task: TaskSetup;
  readonly rows: number;
  readonly answered: number;
  readonly dimension: Dimension;
  /** Seconds by the limits alone, and with the first burst taken off. */
  readonly leastS: number;
  readonly strictS: number;
  /** Until its last result was stored. */
  readonly tookS: number;
}

export async function benchMakespan({ isQuick, onStage, tell }: PartContext): Promise<PartReport> {
  const seconds = isQuick ? 20 : 70;
  tell(`makespan: work for some ${seconds} s`);
  return makespanReport(await onStage((stage) => playBatch(stage, seconds)));
}

/** All rows are given at once, to a fleet that stands idle; the clock runs from the first row given to the last result stored. */
async function playBatch(stage: Stage, seconds: number): Promise<readonly ModelSpan[]> {
  const { url } = await startVendors(stage, VENDORS);
  const tasks = taskPerModel(VENDORS);
  const producer = await stage.actor("rowProducer");
  await startFleet(stage, { vendors: VENDORS, urlOf: () => url, tasks, pools: poolProcesses(VENDORS, POOLS) });
  const states = createBatchStates(stage.redis);
  const before = await readLedger(url);
  const startedAt = performance.now();
  const spans = await Promise.all(
    tasks.map(async (task) => {
      const rows = await rowsFor(task, seconds);
      await producer.call("produce", { task: task.name, batch: task.name, work: task.work, rows });
      for (;;) {
        const status = await states.status(task.name);
        if (status && isOver(status.state))
          return { task, rows, answered: status.answered, tookS: (performance.now() - startedAt) / 1_000 };
        await stage.sleep(POLL_MS);
      }
    }),
  );
  const after = await readLedger(url);
  return spans.map((span) => {
    const [vendor, model] = span.task.models[0]!.split("/") as [string, string];
    return { ...span, ...leastSeconds(stretchBetween(before, after, { vendor, model }), span) };
  });
}

/** About as many as take that long: the minimum is computed from what was really charged. */
async function rowsFor(task: TaskSetup, seconds: number): Promise<number> {
  const { limits } = modelOf(task);
  const perMinute = task.work === "tickets" ? limits.rpm! : (limits.tpm ?? limits.itpm!) / (await meanMeetingTokens());
  return Math.round((perMinute * seconds) / 60);
}

function leastSeconds(stretch: Stretch, { task, rows }: { readonly task: TaskSetup; readonly rows: number }) {
  const { limits } = modelOf(task);
  const needs = Object.entries(limits).map(([name, perMinute]) => {
    const dimension = name as Dimension;
    // A call that was made twice doesn't make the minimum longer.
    const wanted = dimension === "rpm" ? rows : ((stretch.charged[dimension] ?? 0) * rows) / stretch.answered;
    return { dimension, leastS: (wanted * 60) / perMinute };
  });
  const binding = needs.reduce((most, each) => (each.leastS > most.leastS ? each : most));
  return { ...binding, strictS: binding.leastS - BURST_SECONDS };
}

function modelOf({ models }: TaskSetup) {
  const [vendor, model] = models[0]!.split("/") as [string, string];
  return VENDORS.find(({ name }) => name === vendor)!.models[model]!;
}

function makespanReport(spans: readonly ModelSpan[]): PartReport {
  const longest = (secondsOf: (span: ModelSpan) => number) => Math.max(...spans.map(secondsOf));
  const all = { leastS: longest(({ leastS }) => leastS), strictS: longest(({ strictS }) => strictS), tookS: longest(({ tookS }) => tookS) };
  const ratio = all.tookS / all.leastS;
  const isComplete = spans.every(({ rows, answered }) => rows === answered);
  const aims = [
    { name: "makespan", isReached: ratio <= MOST },
    { name: "answers", isReached: isComplete },
  ];
  const line = (name: string, { leastS, strictS, tookS }: typeof all) =>
    [leastS, strictS, tookS]
      .map((s) => s.toFixed(1))
      .concat((tookS / leastS).toFixed(3), (tookS / strictS).toFixed(3))
      .toSpliced(0, 0, name);
  return {
    title: `Makespan of a mixed batch of ${whole(spans.reduce((sum, { rows }) => sum + rows, 0))} rows, with ${POOLS} pool processes`,
    table: [
      ["", "least s", "less the burst", "took s", "ratio", "to the strict one", `aim: ratio ≤ ${MOST}`],
      ...spans.map((span) => [
        ...line(`${span.task.models[0]}, by ${span.dimension}`, span),
        `${percent(span.answered / span.rows)} answered`,
      ]),
      [...line("the whole batch", all), verdict(aims)],
    ],
    notes: [
      "least: max(requests/rpm, tokens/tpm), tokens as the vendor charges them; less the burst: without the second of its rate that a full bucket pays for at once.",
      "took: from the first row given to the last result stored, one call's latency and the recorder included.",
      ...(hasMeetings ? [] : ["Token-bound tasks are skipped: ../shared/data/meetings-qmsum.jsonl is missing."]),
    ],
    data: {
      models: spans.map(({ task, rows, answered, dimension, leastS, strictS, tookS }) => ({
        model: task.models[0],
        rows,
        answered,
        dimension,
        leastS: rounded(leastS, 2),
        strictS: rounded(strictS, 2),
        tookS: rounded(tookS, 2),
      })),
      leastS: rounded(all.leastS, 2),
      strictS: rounded(all.strictS, 2),
      tookS: rounded(all.tookS, 2),
      ratio: rounded(ratio, 3),
      strictRatio: rounded(all.tookS / all.strictS, 3),
      isReached: aims.every(({ isReached }) => isReached),
    },
  };
}
