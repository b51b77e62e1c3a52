// A batch's status, read from the fields of its hash.

import type { BatchState, BatchStatus } from "../src/job/batch.ts";

/** A batch's status from its hash; undefined where there is none. */
export function readStatus(batch: string, meta: Readonly<Record<string, string>>): BatchStatus | undefined {
  if (!meta["state"]) return undefined;
  const count = (field: string) => Number(meta[field] ?? 0);
  return {
    batch,
    task: meta["task"] ?? "",
    state: meta["state"] as BatchState,
    paused: meta["paused"] === "1",
    cancelling: meta["cancelling"] === "1",
    round: count("round"),
    total: meta["total"] === undefined ? undefined : Number(meta["total"]),
    cursor: Math.max(count("cursor"), count("opened")),
    done: count("done"),
    answered: count("answered"),
    failed: count("failed"),
    rerouted: count("rerouted"),
    stored: count("stored"),
    calls: count("calls"),
    duplicateCalls: count("duplicateCalls"),
    inputTokens: count("inputTokens"),
    outputTokens: count("outputTokens"),
    costNanoUsd: count("costNanoUsd"),
    createdAt: count("createdAt"),
    finishedAt: meta["finishedAt"] === undefined ? undefined : Number(meta["finishedAt"]),
  };
}
