// How long a simulated model takes: a fixed time with jitter, or log-normal as real vendors' latencies are, and a part per token written.

import type { LatencyOptions } from "./simulator-options.ts";

/** Draws one call's latency in milliseconds, not below zero. `random` yields numbers in [0, 1). */
export function drawLatencyMs(options: LatencyOptions, outputTokens: number, random: () => number): number {
  const base =
    options.medianMs === undefined ? options.baseMs + options.jitterMs * random() : logNormal(options.medianMs, options.sigma, random);
  return base + options.perOutputTokenMs * outputTokens;
}

function logNormal(median: number, sigma: number, random: () => number): number {
  // Box–Muller; 1 − random() is never zero.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}
