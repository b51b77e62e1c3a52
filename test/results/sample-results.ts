// Results for tests, and how tests collect them.

import type { AnsweredResult, ErrorResult, Result } from "../../src/job/result.ts";
import type { TrailEntry } from "../../src/job/trail.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import type { StoredResult } from "../../src/results/store.ts";

export function trailEntry(changes: Partial<TrailEntry> = {}): TrailEntry {
  return {
    call: "b.0.0.0.1",
    model: "acme/small",
    purpose: "answer",
    outcome: "answered",
    startedAt: 1_000,
    latencyMs: 250,
    usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 20 },
    costNanoUsd: 1_234_567,
    ...changes,
  };
}

export function answered(row: number, changes: Partial<AnsweredResult> = {}): AnsweredResult {
  return {
    ...base(row),
    status: "answered",
    model: "acme/small",
    answer: { text: `answer ${row}`, finish: { unified: "stop", raw: "stop" } },
    trail: [trailEntry()],
    ...changes,
  };
}

export function failed(row: number, changes: Partial<ErrorResult> = {}): ErrorResult {
  return { ...base(row), status: "error", error: { code: "exhausted", message: "every model was tried" }, trail: [], ...changes };
}

function base(row: number) {
  return { batch: "b", row, task: "classify", round: 0, hop: 0, reroutes: 0, enqueuedAt: 1_000, finishedAt: 2_000 };
}

/** With stream ids `first-0`, `first+1-0` … */
export function stored(results: readonly Result[], first = 1): StoredResult[] {
  return results.map((result, i) => ({ streamId: `${first + i}-0`, result }));
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* streamOf<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
