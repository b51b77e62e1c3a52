// One outage: full load on a primary vendor, which then dies in one way or another and comes back, beside a fallback whose limits allow the whole rate.

import { createFileStore } from "../src/results/files/file-store.ts";
import { isOver } from "../src/job/batch.ts";
import { StoppedError } from "../src/job/errors.ts";
import type { ModelId } from "../src/job/names.ts";
import { createBatchStates } from "../queues/batch-state.ts";
import { watchFlow } from "./bench-limits-flow.ts";
import { startFleet, startVendors, type VendorsOnStage } from "./bench-limits-fleet.ts";
import { readState } from "./bench-limits-ledger.ts";
import type { TaskSetup, VendorSetup } from "./bench-limits-setup.ts";
import type { Stage } from "./bench-stage.ts";

/** `closed`: nobody listens at the port any more. The others are faults of the simulator. */
export const OUTAGES = ["refuse", "closed", "outage", "hang"] as const;
export type Outage = (typeof OUTAGES)[number];

const RPM = 6_000;
/** 95 % of what the fallback allows. */
const FULL_PER_SECOND = (RPM / 60) * 0.95;
/** Of the traffic, when it counts as home. */
const HOME_SHARE = 0.95;
/** Pool processes of each vendor. */
export const POOLS = 2;
/** Rows given and not yet stored: twenty seconds' worth. */
const WINDOW_ROWS = 2_000;
const MODEL = "m";
const TASK: TaskSetup = {
  name: "classify",
  work: "tickets",
  models: [`primary/${MODEL}`],
  fallback: [`fallback/${MODEL}`],
  timeout: "30s",
};
const BATCH = "outage";

const vendor = (name: string, kind: VendorSetup["kind"]): VendorSetup => ({
  name,
  kind,
  burstSeconds: 1,
  models: { [MODEL]: { limits: { rpm: RPM }, work: TASK.work } },
});
const PRIMARY = vendor("primary", "openai");
const FALLBACK = vendor("fallback", "anthropic");

export interface OutageScale {
  /** Under full load, before. */
  readonly steadyMs: number;
  /** The outage lasts this long, or until the fallback has taken over, whatever is longer. */
  readonly outageMs: number;
  /** What is waited for at most: for the fallback to take over, for the traffic to come home, for the rest of the batch. */
  readonly patienceMs: number;
}

export interface OutageFound {
  readonly outage: Outage;
  /** Seconds until 95 % of the possible rate flowed through the fallback; until 95 % of the traffic was home. Undefined: not within the patience. */
  readonly tookOverS: number | undefined;
  readonly homeS: number | undefined;
  readonly lastedS: number;
  /** Answered through the fallback during the outage, of what its limits allow. */
  readonly flowShare: number;
  /** Under way at the primary as it died. */
  readonly inFlight: number;
  /** Made to the primary while it was dead (`closed`: by the results' trails, those under way included, for no ledger sees a refused connection). */
  readonly wasted: number;
  readonly rows: number;
  readonly lost: number;
  readonly failed: number;
}

export async function playOutage(stage: Stage, outage: Outage, scale: OutageScale): Promise<OutageFound> {
  const [primary, fallback] = await Promise.all([startVendors(stage, [PRIMARY], "primary"), startVendors(stage, [FALLBACK], "fallback")]);
  const urlOf = ({ name }: VendorSetup) => (name === PRIMARY.name ? primary.url : fallback.url);
  const pools = [PRIMARY, FALLBACK].flatMap(({ name }) => Array.from({ length: POOLS }, () => [`pool:${name}`] as const));
  await startFleet(stage, { vendors: [PRIMARY, FALLBACK], urlOf, tasks: [TASK], pools });
  const producer = await stage.actor("rowProducer");
  await producer.call("feed", { task: TASK.name, batch: BATCH, work: TASK.work, windowRows: WINDOW_ROWS });
  const flow = watchFlow(stage, { primary: primary.url, fallback: fallback.url });
  try {
    const loaded = await flow.until(Date.now(), scale.patienceMs, ({ primaryPerSecond }) => primaryPerSecond >= FULL_PER_SECOND);
    if (loaded === undefined) throw new StoppedError("the fleet never reached 95 % of the primary vendor's limit", "Is the machine busy?");
    await stage.sleep(scale.steadyMs);

    const inFlight = (await readState(primary.url)).vendors[PRIMARY.name]?.models[MODEL]?.inFlight ?? 0;
    const atDeath = await flow.now();
    const diedAt = Date.now();
    await breakDown(primary, outage);
    const tookOverAt = await flow.until(diedAt, scale.patienceMs, ({ fallbackPerSecond }) => fallbackPerSecond >= FULL_PER_SECOND);
    await stage.sleep(Math.max(0, diedAt + scale.outageMs - Date.now()));
    const atEnd = await flow.now();
    const backAt = Date.now();
    await repair(primary, outage);
    const isHome = (own: number, other: number) => own > 0 && own >= HOME_SHARE * (own + other);
    const homeAt = await flow.until(backAt, scale.patienceMs, (window) => isHome(window.primaryPerSecond, window.fallbackPerSecond));

    const rows = await producer.call<number>("sealFed", { batch: BATCH });
    await finished(stage, scale.patienceMs);
    const stored = await readStored(stage, { fromMs: diedAt - 1_000, toMs: backAt });
    const seconds = (atEnd.atMs - atDeath.atMs) / 1_000;
    return {
      outage,
      tookOverS: tookOverAt === undefined ? undefined : (tookOverAt - diedAt) / 1_000,
      homeS: homeAt === undefined ? undefined : (homeAt - backAt) / 1_000,
      lastedS: (backAt - diedAt) / 1_000,
      flowShare: (atEnd.fallback.answered - atDeath.fallback.answered) / ((RPM / 60) * seconds),
      inFlight,
      wasted: outage === "closed" ? stored.failedCalls : atEnd.primary.calls - atDeath.primary.calls,
      rows,
      lost: rows - stored.rows,
      failed: stored.failed,
    };
  } finally {
    await flow.stop();
  }
}

async function breakDown({ actor, url }: VendorsOnStage, outage: Outage): Promise<void> {
  if (outage === "closed") return actor.call("close");
  await fetch(`${url}/_control/faults`, { method: "POST", body: JSON.stringify({ vendor: PRIMARY.name, fault: outage }) });
}

async function repair({ actor, url }: VendorsOnStage, outage: Outage): Promise<void> {
  if (outage === "closed") return actor.call("open");
  await fetch(`${url}/_control/faults`, { method: "DELETE" });
}

async function finished(stage: Stage, patienceMs: number): Promise<void> {
  const states = createBatchStates(stage.redis);
  const givenUpAt = Date.now() + patienceMs;
  while (Date.now() < givenUpAt) {
    const status = await states.status(BATCH);
    if (status && isOver(status.state)) return;
    await stage.sleep(100);
  }
}

/** What became of the rows, by the store; and the calls to the primary that failed in a stretch of time, by their trails. */
async function readStored(stage: Stage, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }) {
  const store = createFileStore({ dir: `${stage.dir}/store` });
  const primary: ModelId = `${PRIMARY.name}/${MODEL}`;
  const found = { rows: 0, failed: 0, failedCalls: 0 };
  for await (const { status, trail } of store.read(BATCH)) {
    found.rows++;
    if (status === "error") found.failed++;
    found.failedCalls += trail.filter(
      ({ model, outcome, startedAt }) => model === primary && outcome !== "answered" && startedAt >= fromMs && startedAt <= toMs,
    ).length;
  }
  await store.stop();
  return found;
}
