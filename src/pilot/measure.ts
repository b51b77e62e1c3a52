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
    toBest: pairedDifference(gains, losses, rows),
    reach,
  };
}
