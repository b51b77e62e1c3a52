// How long calls take: as those seen, by what is left of them in the statistics, else by assumption.

import type { ModelSpec } from "../job/model.ts";
import type { ModelStats } from "../routing/model-stats.ts";
import { latenciesOf, logNormalLatencies } from "./latencies.ts";
import type { ModelKnowledge, Range } from "./plan.ts";
import type { CallTally } from "./step-sums.ts";
import { ASSUMED_LATENCY, ASSUMED_LATENCY_MS } from "./assumptions.ts";

type Latency = Pick<ModelKnowledge, "latenciesMs" | "latencyScale">;

const ENOUGH_SEEN = 20;
const FEWEST_SEEN = 3;
const SEEN: Range = { low: 0.95, expected: 1, high: 1.1 };
/** p95 ÷ p50 of calls that were never seen. */
const ASSUMED_SLOW = 2;

/** `tallies`: the likeliest first. */
export function knowLatency(
  tallies: readonly (CallTally | undefined)[],
  { p50Ms, p95Ms }: ModelStats,
  model: ModelSpec | undefined,
): Latency {
  const seen = (least: number) => tallies.find((tally) => tally !== undefined && tally.latenciesMs.length >= least);
  const enough = seen(ENOUGH_SEEN);
  if (enough) return { latenciesMs: latenciesOf(enough.latenciesMs), latencyScale: SEEN };
  if (p50Ms !== undefined && p95Ms !== undefined) return { latenciesMs: logNormalLatencies(p50Ms, p95Ms), latencyScale: SEEN };
  const few = seen(FEWEST_SEEN);
  if (few) return { latenciesMs: latenciesOf(few.latenciesMs), latencyScale: { low: 0.8, expected: 1, high: 1.3 } };
  const assumedMs = ASSUMED_LATENCY_MS[model?.tier ?? "standard"];
  return { latenciesMs: logNormalLatencies(assumedMs, assumedMs * ASSUMED_SLOW), latencyScale: ASSUMED_LATENCY };
}
