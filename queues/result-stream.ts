// The way of results from Redis to the store: one recorder per batch at a time, by lease; it reads, writes, syncs, and only then counts and trims.

import type { Redis } from "ioredis";
import type { BatchState } from "../src/job/batch.ts";
import type { LedgerEntry } from "../src/job/ledger.ts";
import type { Result } from "../src/job/result.ts";
import { batchKeys } from "../src/runtime/keys.ts";
import { redisScript, runScript } from "../src/runtime/redis-script.ts";
import { announceScript } from "./scripts/announce.ts";
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

/** Entries that are stored together, of which some have calls that the books may have already. */
export interface AnnouncedEntries {
  /** The last of them. */
  readonly lastId: string;
  /** What the books had of their calls before them. */
  readonly known: readonly LedgerEntry[];
}

/** Entries, and where the batch stood just when they were read. */
export interface ReadEntries {
  /** The oldest that are not yet counted. */
  readonly entries: readonly StreamEntry[];
  /** The watermark, which they follow: the last entry that is counted; "" for none. */
  readonly after: string;
  /** What was announced to follow it. */
  readonly announced?: AnnouncedEntries;
  /** Some row has a second result that is stored. */
  readonly hasExtras: boolean;
}

export interface StoredEntries {
  /** The watermark that they follow. */
  readonly after: string;
  readonly lastId: string;
  readonly results: number;
  readonly bytes: number;
  /** Rows of the extras among them. */
  readonly extraRows: readonly number[];
  /** Increments of the batch's counts. */
  readonly sums: ReadonlyMap<string, number>;
}

export interface ResultStream {
  /** Takes or renews the lease of the batch's recorder. */
  lease(batch: string, leaseMs: number): Promise<boolean>;
  release(batch: string): Promise<void>;
  /** At most `count` entries, or all up to and with an id. */
  read(batch: string, most: number | { readonly lastId: string }): Promise<ReadEntries>;
  /** Those of the rows of which a second result is stored. */
  rowsWithExtras(batch: string, rows: readonly number[]): Promise<readonly number[]>;
  /** To be called before entries are stored whose calls may be in the books already. False: they are no longer ours to store. */
  announce(batch: string, after: string, entries: AnnouncedEntries): Promise<boolean>;
  /** Counts entries that are safely stored; without any, it only looks whether the batch has come to its end. */
  stored(batch: string, entries: StoredEntries | undefined): Promise<BatchState | "unknown" | "lost">;
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
    async read(batch, most) {
      const { meta, results, announced, extras } = batchKeys(batch);
      const transaction = redis.multi().hget(meta, "watermark").get(announced).exists(extras);
      if (typeof most === "number") transaction.xrange(results, "-", "+", "COUNT", most);
      else transaction.xrange(results, "-", most.lastId);
      const replies = (await transaction.exec()) ?? [];
      for (const [error] of replies) if (error) throw error;
      const [watermark, said, exists, found] = replies.map(([, reply]) => reply) as [string | null, string | null, number, StreamLine[]];
      const after = watermark ?? "";
      return {
        entries: found.map(toEntry),
        after,
        hasExtras: exists === 1,
        ...(said?.startsWith(`${after} `) ? { announced: JSON.parse(said.slice(after.length)) as AnnouncedEntries } : {}),
      };
    },
    async rowsWithExtras(batch, rows) {
      const { extras } = batchKeys(batch);
      if (rows.length === 0) return [];
      const bits = (await redis.call("BITFIELD", extras, ...rows.flatMap((row) => ["GET", "u1", row]))) as readonly number[];
      return rows.filter((_, i) => bits[i] === 1);
    },
    async announce(batch, after, entries) {
      const { meta, recorder, announced } = batchKeys(batch);
      return (await runScript<number>(redis, announceScript, [meta, recorder, announced], [token, after, JSON.stringify(entries)])) === 1;
    },
    async stored(batch, entries) {
      const { meta, recorder, results, done, open, extras, announced, ...others } = batchKeys(batch);
      const keys = [meta, recorder, results, done, open, extras, announced, ...Object.values(others)];
      return runScript(redis, storedScript, keys, [token, KEEP_MS, ...(entries ? argumentsOf(entries) : [""])]);
    },
  };
}

type StreamLine = readonly [id: string, fields: readonly string[]];

function toEntry([id, fields]: StreamLine): StreamEntry {
  const isExtra = fields[0] === "x";
  return { id, result: JSON.parse(fields[1]!) as Result, bytes: isExtra ? 0 : Number(fields[3] ?? 0), isExtra };
}

function argumentsOf({ after, lastId, results, bytes, extraRows, sums }: StoredEntries): readonly (string | number)[] {
  const increments = Array.from(sums, ([field, sum]) => [field, String(sum)]).flat();
  return [lastId, after, results, bytes, extraRows.length, ...extraRows, ...increments];
}
