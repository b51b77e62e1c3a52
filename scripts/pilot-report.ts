// From the stored answers of a pilot's models to its report.

import type { Fleet } from "../src/config/fleet.ts";
import { analysePilot } from "../src/pilot/analyse-pilot.ts";
import type { PilotReport, PilotRow } from "../src/pilot/pilot.ts";
import { openStore } from "../src/results/open-store.ts";
import { readTrial, type TrialAnswers } from "./pilot-answers.ts";
import type { PilotNumbers } from "./pilot-options.ts";
import type { PilotPlan } from "./pilot-plan.ts";

/** In the order of the trials. */
export async function readTrials(
  fleet: Pick<Fleet, "storeDir" | "storeUrl">,
  { trials, comparing }: PilotPlan,
): Promise<readonly TrialAnswers[]> {
  const store = openStore(fleet);
  try {
    return await Promise.all(trials.map((trial) => readTrial(store, trial, comparing)));
  } finally {
    await store.stop();
  }
}

/** What the trials brought. */
export interface Gathered {
  readonly answers: readonly TrialAnswers[];
  /** The first so many rows were given to every model. The sample is in random order, so they are a sample too. */
  readonly askedRows: number;
}

export function reportOf(plan: PilotPlan, gathered: Gathered, { seed, floor }: PilotNumbers): PilotReport {
  const { basis } = plan.comparing;
  return analysePilot({
    rows: pilotRows(plan, gathered),
    models: plan.models.map(({ id, provider }) => ({ id, provider })),
    seed,
    ...(floor === undefined ? {} : { floor }),
    ...(basis === "agreement" ? {} : { correctBy: basis }),
  });
}

export function costNanoUsdOf(answers: readonly TrialAnswers[]): number {
  return answers.reduce((sum, each) => sum + each.costNanoUsd, 0);
}

/** The answers row by row, as the analysis takes them. */
export function pilotRows({ rows, trials }: PilotPlan, { answers, askedRows }: Gathered): readonly PilotRow[] {
  return rows.slice(0, askedRows).map(({ row }, i) => {
    const given = trials.flatMap(({ model }, k) => {
      const answer = answers[k]?.answers.get(i);
      return answer ? [[model.id, answer] as const] : [];
    });
    return { row: row.row, answers: Object.fromEntries(given) };
  });
}
