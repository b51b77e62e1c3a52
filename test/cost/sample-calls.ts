// Calls for tests of what is counted of them.

import type { Redis } from "ioredis";
import { createLiveTotals } from "../../src/cost/redis-live-totals.ts";
import type { LedgerChange } from "../../src/job/ledger-changes.ts";
import type { LedgerEntry } from "../../src/job/ledger.ts";

export function ledgerEntry(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    call: "b.0.0.0.1",
    at: Date.now(),
    batch: "b",
    row: 0,
    task: "classify",
    provider: "acme",
    model: "acme/small",
    attempt: 1,
    purpose: "answer",
    outcome: "answered",
    isDuplicate: false,
    latencyMs: 10,
    usage: { inputTokens: 100, cachedInputTokens: 40, cacheWriteTokens: 0, outputTokens: 20, reasoningTokens: 5 },
    costNanoUsd: 1_000,
    isEstimated: changes.outcome === "uncertain",
    ...changes,
  };
}

let parts = 0;

/** Counts what changes in the ledger, as a batch of its own. */
export async function countChanges(redis: Redis, changes: readonly Omit<LedgerChange, "id">[], room?: number): Promise<void> {
  const lastId = `${++parts}-0`;
  const totals = createLiveTotals(redis, room === undefined ? {} : { room });
  const part = { after: "", lastId, changes: changes.map((change) => ({ id: lastId, ...change })) };
  const other = await totals.count(`batch-${parts}`, part);
  if (other !== undefined) throw new Error(`the batch has a watermark: ${other}`);
}

/** Counts calls, as a batch of their own. */
export function countCalls(redis: Redis, calls: readonly Partial<LedgerEntry>[], room?: number): Promise<void> {
  return countChanges(
    redis,
    calls.map((call) => ({ after: ledgerEntry(call) })),
    room,
  );
}
