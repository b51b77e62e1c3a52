// How many calls of one model a pool process runs side by side.

import type { ModelSpec } from "../src/job/model.ts";

/** Where nothing limits it. */
const DEFAULT = 64;
const CEILING = 256;
/** What a call is assumed to take, until it is measured. */
const ASSUMED_LATENCY_SECONDS = 3;

/** By Little's law: the calls in flight that the model's rate makes at the assumed latency, within its own concurrency limit. */
export function poolConcurrency(model: ModelSpec): number {
  const { rpm, concurrency } = model.limits;
  const byRate = rpm === undefined ? DEFAULT : Math.ceil((rpm / 60) * ASSUMED_LATENCY_SECONDS) + 4;
  return Math.max(1, Math.min(byRate, concurrency ?? CEILING, CEILING));
}
