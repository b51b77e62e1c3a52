// faults: a fleet under saturation with four pool processes, one of which is killed; with somebody else taking 30 % of the account; and with both.

import { FOREIGN_CLIENT } from "./bench-limits-actors.ts";
import { poolProcesses, startFleet, startVendors } from "./bench-limits-fleet.ts";
import { share429, stretchBetween, useOf, type Stretch } from "./bench-limits-ledger.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { percent, rounded, verdict, whole, type PartReport } from "./bench-limits-report.ts";
import { taskPerModel, vendorUrl, type VendorSetup } from "./bench-limits-setup.ts";
import { idleNotes, measureWindow } from "./bench-limits-window.ts";
import { API_KEY_VALUE, type Stage } from "./bench-stage.ts";

const RPM = 6_000;
const MODEL = "m";
const POOLS = 4;
const FOREIGN_SHARE = 0.3;
const LEAST_USE = 0.95;
const MOST_429 = 0.01;
/** Rows for the time in which the processes start. */
const STARTING_MS = 15_000;

interface Scenario {
  readonly name: string;
  readonly isKilled: boolean;
  readonly isShared: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "one of four killed", isKilled: true, isShared: false },
  { name: "30 % taken by another client", isKilled: false, isShared: true },
  { name: "both", isKilled: true, isShared: true },
];

const VENDORS: readonly VendorSetup[] = (["openai", "anthropic"] as const).map((kind) => ({
  name: kind,
  kind,
  burstSeconds: 1,
  models: { [MODEL]: { limits: { rpm: RPM }, work: "tickets" } },
}));

interface Scale {
  readonly warmUpMs: number;
  readonly windowMs: number;
}

interface FaultUse {
  readonly scenario: Scenario;
  readonly vendor: VendorSetup;
  readonly ours: Stretch;
  readonly theirs: Stretch;
  /** Of what the other client left. */
  readonly use: number;
  /** Of the machine, meanwhile. */
  readonly idle: number;
}

export async function benchFaults(context: PartContext): Promise<PartReport> {
  const scale = context.isQuick ? { warmUpMs: 5_000, windowMs: 15_000 } : { warmUpMs: 10_000, windowMs: 60_000 };
  const found: FaultUse[] = [];
  for (const scenario of SCENARIOS) {
    context.tell(`faults: ${scenario.name}`);
    found.push(...(await context.onStage((stage) => runScenario(stage, scenario, scale))));
  }
  return faultsReport(found);
}

/** The kill falls a third into the window, so that what follows from it is in it. */
async function runScenario(stage: Stage, scenario: Scenario, { warmUpMs, windowMs }: Scale): Promise<readonly FaultUse[]> {
  const { url } = await startVendors(stage, VENDORS);
  const tasks = taskPerModel(VENDORS);
  const producer = await stage.actor("rowProducer");
  const rows = Math.ceil(((STARTING_MS + warmUpMs + windowMs) / 60_000) * RPM);
  const [{ pools }] = await Promise.all([
    startFleet(stage, { vendors: VENDORS, urlOf: () => url, tasks, pools: poolProcesses(VENDORS, POOLS) }),
    ...tasks.map(({ name, work }) => producer.call("produce", { task: name, batch: name, work, rows })),
  ]);
  if (scenario.isShared) {
    for (const vendor of VENDORS) {
      const options = { url: vendorUrl(url, vendor), kind: vendor.kind, perMinute: RPM * FOREIGN_SHARE };
      await (await stage.actor("foreignClient", options, `foreign ${vendor.name}`)).call("begin", { model: MODEL });
    }
  }
  await stage.sleep(warmUpMs);
  const { before, after, idle } = await measureWindow(stage, url, windowMs, async () => {
    await stage.sleep(windowMs / 3);
    if (scenario.isKilled) await pools.at(-1)!.kill();
  });

  return VENDORS.map((vendor): FaultUse => {
    const ours = stretchBetween(before, after, { vendor: vendor.name, client: API_KEY_VALUE.slice(-4) });
    const theirs = stretchBetween(before, after, { vendor: vendor.name, client: FOREIGN_CLIENT });
    return { scenario, vendor, ours, theirs, idle, use: useOf(ours, vendor.models[MODEL]!.limits, theirs).use };
  });
}

function faultsReport(found: readonly FaultUse[]): PartReport {
  const aimsOf = ({ use, ours }: FaultUse) => [
    { name: "use", isReached: use >= LEAST_USE },
    { name: "429", isReached: share429(ours) <= MOST_429 },
  ];
  const rows = found.map((each) => [
    `${each.vendor.kind}, ${whole(RPM)} rpm, ${each.scenario.name}`,
    percent(each.use, 2),
    percent(share429(each.ours), 2),
    whole(each.ours.calls),
    each.scenario.isShared ? whole(each.theirs.calls) : "",
    each.scenario.isShared ? percent(share429(each.theirs), 2) : "",
    verdict(aimsOf(each)),
  ]);
  return {
    title: `Use of what remains of a cap, with ${POOLS} pool processes`,
    table: [
      ["", "use of the rest", "429", "calls", "others' calls", "others' 429", `aim: ≥ ${percent(LEAST_USE, 0)}, ≤ ${percent(MOST_429, 0)}`],
      ...rows,
    ],
    notes: [
      "use of the rest: what the vendor charged us over the cap less what it charged the other client, who calls at a fixed pace and never repeats.",
      ...idleNotes(found.map(({ idle }) => idle)),
    ],
    data: {
      scenarios: found.map((each) => ({
        scenario: each.scenario.name,
        vendor: each.vendor.kind,
        use: rounded(each.use),
        share429: rounded(share429(each.ours), 5),
        calls: each.ours.calls,
        refused429: each.ours.refused429,
        foreignCalls: each.theirs.calls,
        foreignShare429: rounded(share429(each.theirs), 5),
        idle: rounded(each.idle, 2),
        isReached: aimsOf(each).every(({ isReached }) => isReached),
      })),
    },
  };
}
