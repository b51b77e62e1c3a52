// outage as a part: every way to die in turn, each on a stage of its own, and the table of what was found.

import { UsageError } from "../src/job/errors.ts";
import { OUTAGES, playOutage, POOLS, type Outage, type OutageFound } from "./bench-limits-outage.ts";
import type { PartContext } from "./bench-limits-part.ts";
import { percent, rounded, verdict, whole, type PartReport } from "./bench-limits-report.ts";

const TITLES: Readonly<Record<Outage, string>> = {
  refuse: "connections closed before an answer",
  closed: "connections refused: the port is closed",
  outage: "500 and 503",
  hang: "no answer ever comes",
};
/** Seconds. A hang is noticed after max(5 s, 4 × p99), and the calls here take 0.2 s. */
const MOST_TO_TAKE_OVER: Readonly<Record<Outage, number>> = { refuse: 2, closed: 2, outage: 2, hang: 7 };
const MORE_WASTED_PER_PROCESS = 10;

const FULL = { steadyMs: 5_000, outageMs: 20_000, patienceMs: 90_000 };
const QUICK = { steadyMs: 2_000, outageMs: 8_000, patienceMs: 60_000 };

export async function benchOutage({ isQuick, faults = OUTAGES, onStage, tell }: PartContext): Promise<PartReport> {
  const unknown = faults.find((fault) => !OUTAGES.includes(fault as Outage));
  if (unknown !== undefined) throw new UsageError(`no outage is called "${unknown}"`, `They are: ${OUTAGES.join(", ")}.`);
  const found: OutageFound[] = [];
  for (const outage of OUTAGES.filter((each) => faults.includes(each))) {
    tell(`outage: ${TITLES[outage]}`);
    found.push(await onStage((stage) => playOutage(stage, outage, isQuick ? QUICK : FULL)));
  }
  return outageReport(found);
}

function outageReport(found: readonly OutageFound[]): PartReport {
  const seconds = (value: number | undefined) => (value === undefined ? "never" : value.toFixed(1));
  return {
    title: `A vendor dies under full load (6,000 rpm, ${POOLS} pool processes), beside a fallback that can take all of it`,
    table: [
      ["", "s to the fallback", "flow meanwhile", "wasted calls", "in flight", "s until home", "rows", "failed", "lost", "aims"],
      ...found.map((each) => [
        TITLES[each.outage],
        `${seconds(each.tookOverS)} (≤ ${MOST_TO_TAKE_OVER[each.outage]})`,
        percent(each.flowShare, 0),
        `${whole(each.wasted)} (≤ ${mostWasted(each)})`,
        whole(each.inFlight),
        seconds(each.homeS),
        whole(each.rows),
        whole(each.failed),
        whole(each.lost),
        verdict(aimsOf(each)),
      ]),
    ],
    notes: [
      "s to the fallback: from the vendor's death to the beginning of the first second in which it answers 95 % of what its limits allow.",
      "flow meanwhile: answered through the fallback from the death to the repair, of what its limits allow.",
      "wasted calls: made to the dead vendor, probes included; aim: those in flight and 10 for each of its processes.",
      "s until home: from the repair to the beginning of the first second in which the vendor answers 95 % of all calls. lost: rows without a result.",
    ],
    data: {
      outages: found.map((each) => ({
        ...each,
        flowShare: rounded(each.flowShare),
        tookOverS: each.tookOverS ?? null,
        homeS: each.homeS ?? null,
        isReached: aimsOf(each).every(({ isReached }) => isReached),
      })),
    },
  };
}

function mostWasted({ inFlight }: OutageFound): number {
  return inFlight + MORE_WASTED_PER_PROCESS * POOLS;
}

function aimsOf(each: OutageFound) {
  return [
    { name: "fallback", isReached: each.tookOverS !== undefined && each.tookOverS <= MOST_TO_TAKE_OVER[each.outage] },
    { name: "wasted", isReached: each.wasted <= mostWasted(each) },
    { name: "home", isReached: each.homeS !== undefined },
    { name: "lost", isReached: each.lost === 0 && each.failed === 0 },
  ];
}
