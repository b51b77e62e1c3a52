// The way of results from Redis to the store: one recorder per batch at a time, by lease; it reads, writes, syncs, and only then counts and trims.

import type { Redis } from "ioredis";
import type { BatchState } from "../src/job/batch.ts";
import type { Result } from "../src/job/result.ts";
import { batchKeys } from "../src/runtime/keys.ts";
import { redisScript, runScript } from "../src/runtime/redis-script.ts";
import { storedScript } from "./scripts/stored.ts";

/** A finished batch's keys stay this long. */
const KEEP_MS = 7 * 24 * 3_600_000;

export interface StreamEntry {
  readonly id: string;
  readonly result: Result;
  /** Bytes of input that storing it frees in the window. */
  readonly bytes: number;
  /** A second result for a row, refused: only its calls count. */
  readonly isExtra: boolean;
}

export interface ResultStream {
  /** Takes or renews the lease of the batch's recorder. */
  lease(batch: string, leaseMs: number): Promise<boolean>;
  release(batch: string): Promise<void>;
  /** The oldest entries not yet counted. */
  read(batch: string, count: number): Promise<readonly StreamEntry[]>;
  /** Counts entries that are safely stored, up to and with `lastId`; without any, it only looks whether the batch has come to its end. */
  stored(
    batch: string,
    entries:
      | { readonly lastId: string; readonly results: number; readonly bytes: number; readonly sums: ReadonlyMap<string, number> }
      | undefined,
  ): Promise<BatchState | "unknown" | "lost">;
}

const leaseScript = redisScript(`
-- KEYS 1 lease  ARGV 1 token 2 ms  Reply 1 held by us, 0 by another
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

const releaseScript = redisScript(`
-- KEYS 1 lease  ARGV 1 token
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

/** `token`: this recorder's own, for its leases. */
export function createResultStream(redis: Redis, token: string): ResultStream {
  return {
    async lease(batch, leaseMs) {
      return (await runScript<number>(redis, leaseScript, [batchKeys(batch).recorder], [token, leaseMs])) === 1;
    },
    async release(batch) {
      await runScript(redis, releaseScript, [batchKeys(batch).recorder], [token]);
    },
    async read(batch, count) {
      const entries = await redis.xrange(batchKeys(batch).results, "-", "+", "COUNT", count);
      return entries.map(([id, fields]) => {
        const isExtra = fields[0] === "x";
        return { id, result: JSON.parse(fields[1]!) as Result, bytes: isExtra ? 0 : Number(fields[3] ?? 0), isExtra };
      });
    },
    async stored(batch, entries) {
      const { meta, results, recorder, ...others } = batchKeys(batch);
      const sums = Array.from(entries?.sums ?? [], ([field, sum]) => [field, String(sum)]).flat();
      const args = [token, entries?.lastId ?? "", entries?.results ?? 0, entries?.bytes ?? 0, KEEP_MS, ...sums];
      return runScript(redis, storedScript, [meta, results, recorder, ...Object.values(others)], args);
    },
  };
}
