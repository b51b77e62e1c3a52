// What a batch's results come to: how many are right, what they cost, how many calls they took and how long.

import type { JsonObject } from "../src/job/json.ts";
import type { Result } from "../src/job/result.ts";
import { totalCostNanoUsd } from "../src/job/trail.ts";

export interface Measured {
  readonly rows: number;
  /** Of all rows: one without an answer is not right. */
  readonly accuracy: number;
  readonly costNanoUsd: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly callsPerRow: number;
  /** From a row's first call to its last answer, half of the rows took less. */
  readonly medianMs: number;
}

/** `right`: by row. */
export async function measure(results: AsyncIterable<Result>, right: readonly string[]): Promise<Measured> {
  let [rows, hits, costNanoUsd, allCalls] = [0, 0, 0, 0];
  const calls: Record<string, number> = {};
  const times: number[] = [];
  for await (const result of results) {
    rows++;
    if (result.status === "answered" && labelOf(result.answer.json, result.answer.text) === right[result.row]) hits++;
    costNanoUsd += totalCostNanoUsd(result.trail);
    allCalls += result.trail.length;
    for (const { model } of result.trail) calls[model] = (calls[model] ?? 0) + 1;
    const start = Math.min(...result.trail.map(({ startedAt }) => startedAt));
    times.push(Math.max(...result.trail.map(({ startedAt, latencyMs }) => startedAt + latencyMs)) - start);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { rows, accuracy: hits / rows, costNanoUsd, calls, callsPerRow: allCalls / rows, medianMs: sorted[sorted.length >> 1] ?? 0 };
}

/** Unchecked answers are read as a program without checks would: by JSON.parse, or not at all. */
function labelOf(json: unknown, text: string): unknown {
  if (typeof json === "object" && json !== null) return (json as JsonObject)["label"];
  try {
    return (JSON.parse(text) as JsonObject)["label"];
  } catch {
    return undefined;
  }
}

/** How far a share of `rows` strays from what is expected of it, as one standard error. */
export function standardError(share: number, rows: number): number {
  return Math.sqrt((share * (1 - share)) / rows);
}
