// Recommends a route from a part of a world's rows and measures it on others, against the single model that the same part picks.

import { analysePilot } from "../../src/pilot/analyse-pilot.ts";
import type { PilotReport, PilotRow } from "../../src/pilot/pilot.ts";
import { replay } from "../../src/pilot/replay.ts";
import { createSample, mean } from "../../src/pilot/sample.ts";
import { shuffled, type World } from "./sample-worlds.ts";

export interface Measured {
  readonly report: PilotReport;
  /** In points. */
  readonly gap: number;
  readonly costShare: number;
}

export function measureRecommendation({ models }: World, pilot: readonly PilotRow[], rest: readonly PilotRow[]): Measured {
  const report = analysePilot({ rows: pilot, models, seed: 1 });
  const world = createSample({ rows: rest, models, seed: 1 });
  const best = replay(world, report.best!.steps);
  const route = replay(world, report.recommended!.steps);
  return {
    report,
    gap: 100 * (mean(route.isRight) - mean(best.isRight)),
    costShare: mean(route.costNanoUsd) / mean(best.costNanoUsd),
  };
}

/** Over random splits of the world. */
export function overSplits(world: World, { rows, splits, seed }: { rows: number; splits: number; seed: number }): readonly Measured[] {
  return Array.from({ length: splits }, (_, split) => {
    const order = shuffled(world.rows, seed * 1000 + split);
    return measureRecommendation(world, order.slice(0, rows), order.slice(rows));
  });
}

export function summarise(measured: readonly Measured[]): { meanGap: number; splitsFarBelow: number; meanCostShare: number } {
  return {
    meanGap: mean(measured.map(({ gap }) => gap)),
    splitsFarBelow: measured.filter(({ gap }) => gap < -1.5 - 1e-9).length,
    meanCostShare: mean(measured.map(({ costShare }) => costShare)),
  };
}
