// A route's figures on the sample.

import type { Step } from "../job/task.ts";
import { discordant, pairedDifference, wilson } from "./intervals.ts";
import type { MeasuredRoute } from "./pilot.ts";
import type { Replay } from "./replay.ts";
import { mean, type Column } from "./sample.ts";

export function measureRoute(steps: readonly Step[], { isRight, costNanoUsd, latencyMs, reach }: Replay, best: Column): MeasuredRoute {
  const rows = isRight.length;
  const quality = mean(isRight);
  const { gains, losses } = discordant(isRight, best.isRight);
  return {
    steps,
    quality,
    interval: wilson(Math.round(quality * rows), rows),
    costNanoUsd: mean(costNanoUsd),
    p50LatencyMs: latencyMs.toSorted()[Math.max(0, Math.ceil(rows / 2) - 1)] ?? 0,
    // The best model differs from itself by nothing, which is no estimate.
    toBest: isAlone(steps, best) ? { mean: 0, interval: { low: 0, high: 0 } } : pairedDifference(gains, losses, rows),
    reach,
  };
}

function isAlone(steps: readonly Step[], { id }: Column): boolean {
  return steps.length === 1 && steps[0]!.models.length === 1 && steps[0]!.models[0] === id;
}
