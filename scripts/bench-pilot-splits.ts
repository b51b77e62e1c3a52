// A pilot repeated on many random splits of the same answers: what it recommends from one part of the rows, measured on the others. Nothing is called.

import { analysePilot } from "../src/pilot/analyse-pilot.ts";
import type { PilotInput, PilotRow } from "../src/pilot/pilot.ts";
import { replay } from "../src/pilot/replay.ts";
import { createSample, mean } from "../src/pilot/sample.ts";
import { createRandom } from "../src/runtime/seeded-random.ts";

export interface SplitSummary {
  readonly splits: number;
  /** Quality of the recommended route less that of the best single model of the same sample, on the rows that the sample didn't have; in points. */
  readonly meanGapPoints: number;
  /** Splits in which that is more than 1.5 points below. */
  readonly farBelow: number;
  /** Cost of the recommended route by that of the best single model, on the same rows. */
  readonly meanCostShare: number;
  /** Splits in which one model alone was recommended. */
  readonly alone: number;
}

const FAR_POINTS = 1.5;

export function summariseSplits(
  rows: readonly PilotRow[],
  models: PilotInput["models"],
  { size, splits, seed }: { readonly size: number; readonly splits: number; readonly seed: number },
): SplitSummary {
  const measured = Array.from({ length: splits }, (_, split) => measureSplit(shuffled(rows, seed * 1_000 + split), models, size));
  return {
    splits,
    meanGapPoints: mean(measured.map(({ gapPoints }) => gapPoints)),
    farBelow: measured.filter(({ gapPoints }) => gapPoints < -FAR_POINTS - 1e-9).length,
    meanCostShare: mean(measured.map(({ costShare }) => costShare)),
    alone: measured.filter(({ isAlone }) => isAlone).length,
  };
}

function measureSplit(rows: readonly PilotRow[], models: PilotInput["models"], size: number) {
  const { best, recommended } = analysePilot({ rows: rows.slice(0, size), models, seed: 1 });
  if (!best || !recommended) throw new Error("a split has no model to compare");
  const rest = createSample({ rows: rows.slice(size), models, seed: 1 });
  const [alone, route] = [replay(rest, best.steps), replay(rest, recommended.steps)];
  return {
    gapPoints: 100 * (mean(route.isRight) - mean(alone.isRight)),
    costShare: mean(route.costNanoUsd) / mean(alone.costNanoUsd),
    isAlone: recommended.steps.length === 1,
  };
}

/** Fisher and Yates. */
function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  const random = createRandom(seed);
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}
