// A batch in Redis: its life, its rows and its counts. Every change is one script in the batch's slot; claims and records of one turn travel together.

import type { Redis } from "ioredis";
import type { BatchState, BatchStatus } from "../src/job/batch.ts";
import type { RowId } from "../src/job/job.ts";
import type { Result } from "../src/job/result.ts";
import { coalesce } from "../src/runtime/coalesce.ts";
import { batchKeys, fleetKeys } from "../src/runtime/keys.ts";
import { runScript } from "../src/runtime/redis-script.ts";
import { readStatus } from "./batch-status.ts";
import {
  beginRetryScript,
  cancelScript,
  makeScript,
  missScript,
  pauseScript,
  readdScript,
  reopenScript,
  sealScript,
} from "./scripts/batch-life.ts";
import { claimScript } from "./scripts/claim.ts";
import { noteScript } from "./scripts/note.ts";
import { bookScript, recordScript } from "./scripts/record.ts";
import { createStepParts, type StepParts } from "./step-parts.ts";

const CLAIM_REPLIES = ["go", "superseded", "done", "paused", "cancelled", "unknown", "go-capped"] as const;
/** `superseded`: a later hop was claimed, or this one by another queue job. `go-capped`: the batch has a budget of its own. */
export type ClaimReply = (typeof CLAIM_REPLIES)[number];

export interface Claim extends RowId {
  readonly hop: number;
  readonly part: number;
  /** Of the queue job: the same in each of its runs, another for every other job (no `,`, `=` or `|` in it). */
  readonly token: string;
  /** The task whose batch is made on the spot when it is unknown (jobs of foreign clients). */
  readonly makeFor?: string;
}

export type NoteReply =
  /** Per row: the hop to add it at, or why not to. */
  | { readonly kind: "ok"; readonly round: number; readonly rows: readonly (number | "done" | "claimed")[] }
  | { readonly kind: "full" | "paused" | "cancelled" | "over" };

export interface BatchStates extends StepParts {
  /** Makes the batch unless it exists; tells whose it is. */
  make(
    batch: string,
    task: string,
    source: string,
  ): Promise<{ readonly created: boolean; readonly task: string; readonly state: BatchState }>;
  note(
    batch: string,
    rows: readonly { readonly row: number; readonly bytes: number }[],
    window: { readonly rows: number; readonly bytes: number },
  ): Promise<NoteReply>;
  advance(batch: string, cursor: number): Promise<void>;
  seal(batch: string, total: number): Promise<BatchState | "unknown" | "mismatch">;
  claim(claim: Claim): Promise<ClaimReply>;
  /** `seenAs`: the row's open entry as it must still be (the reconciler's word, that nothing may have happened since). */
  record(result: Result, seenAs?: string): Promise<"recorded" | "refused">;
  /** Only the calls of the result count: it goes to the stream as one that was refused does. */
  book(result: Result): Promise<void>;
  cancel(batch: string): Promise<BatchState | "unknown">;
  pause(batch: string, paused: boolean): Promise<BatchState | "unknown">;
  beginRetry(batch: string): Promise<{ readonly before: BatchState | "unknown" | "retrying"; readonly round: number }>;
  reopen(
    batch: string,
    rows: readonly { readonly row: number; readonly hop: number; readonly bytes: number }[],
    windowRows: number,
  ): Promise<"full" | readonly (number | "leave")[]>;
  /** Gives rows back to their producer, as long as their open entries are as given. */
  miss(batch: string, rows: readonly { readonly row: number; readonly entry: string }[]): Promise<number>;
  missing(batch: string): Promise<readonly number[]>;
  readd(batch: string, rows: readonly number[]): Promise<readonly (number | "gone")[]>;
  status(batch: string): Promise<BatchStatus | undefined>;
  /** Live and recent batches, newest first. */
  list(): Promise<readonly string[]>;
}

const REGISTER_AGAIN_MS = 30_000;

export function createBatchStates(redis: Redis): BatchStates {
  const register = (batch: string) => redis.zadd(fleetKeys.batches, "NX", Date.now(), batch);
  /** When batches were registered on the way of a claim, unix ms: an inbox may have expired meanwhile. */
  const registeredAt = new Map<string, number>();

  const claimMany = coalesce<Claim, ClaimReply>(
    (items) =>
      byBatch(items, async (batch, group) => {
        const keys = batchKeys(batch);
        const makeFor = group.find((item) => item.makeFor)?.makeFor ?? "";
        if (makeFor && Date.now() - (registeredAt.get(batch) ?? 0) > REGISTER_AGAIN_MS) {
          await register(batch);
          if (registeredAt.size > 10_000) registeredAt.clear();
          registeredAt.set(batch, Date.now());
        }
        const args = group.flatMap((item) => [item.row, item.hop, item.part, item.token]);
        const replies = await runScript<number[]>(redis, claimScript, [keys.meta, keys.done, keys.open], [makeFor, ...args]);
        return replies.map((reply) => CLAIM_REPLIES[reply]!);
      }),
    { maxItems: 256 },
  );

  const recordMany = coalesce<{ readonly batch: string; readonly result: Result; readonly seenAs: string }, "recorded" | "refused">(
    (items) =>
      byBatch(items, async (batch, group) => {
        const keys = batchKeys(batch);
        const args = group.flatMap(({ result, seenAs }) => [
          result.row,
          result.round,
          result.hop,
          result.status,
          result.reroutes > 0 ? 1 : 0,
          JSON.stringify(result),
          seenAs,
        ]);
        const replies = await runScript<number[]>(
          redis,
          recordScript,
          [keys.meta, keys.done, keys.open, keys.results, keys.missing, keys.failed],
          args,
        );
        return replies.map((reply) => (reply === 1 ? "recorded" : "refused"));
      }),
    { maxItems: 128 },
  );

  return {
    ...createStepParts(redis),

    async make(batch, task, source) {
      await register(batch);
      const [created, ownTask, state] = await runScript<[number, string, BatchState]>(
        redis,
        makeScript,
        [batchKeys(batch).meta],
        [task, source],
      );
      // Before, so that no batch is without a recorder; and after, for the recorder strikes off a name that has stood for nothing for a while.
      await register(batch);
      return { created: created === 1, task: ownTask, state };
    },

    async note(batch, rows, window) {
      const keys = batchKeys(batch);
      const args = [window.rows, window.bytes, ...rows.flatMap((row) => [row.row, row.bytes])];
      const [kind, round, ...replies] = await runScript<string[]>(redis, noteScript, [keys.meta, keys.done, keys.open], args);
      if (kind !== "ok") return { kind: kind as "full" };
      return {
        kind,
        round: Number(round),
        rows: replies.map((reply) => (reply === "done" || reply === "claimed" ? reply : Number(reply))),
      };
    },

    async advance(batch, cursor) {
      await redis.hset(batchKeys(batch).meta, "cursor", cursor);
    },

    seal: (batch, total) => runScript(redis, sealScript, [batchKeys(batch).meta], [total]),
    claim: (claim) => claimMany(claim),
    async book(result) {
      const { meta, results } = batchKeys(result.batch);
      await runScript(redis, bookScript, [meta, results], [JSON.stringify(result)]);
    },
    record: (result, seenAs = "") => recordMany({ batch: result.batch, result, seenAs }),

    cancel: (batch) => runScript(redis, cancelScript, [batchKeys(batch).meta, batchKeys(batch).open], []),
    pause: (batch, paused) => runScript(redis, pauseScript, [batchKeys(batch).meta], [paused ? "1" : "0"]),

    async beginRetry(batch) {
      const { meta, retried, ...others } = batchKeys(batch);
      await register(batch);
      const [before, round] = await runScript<[BatchState, number]>(redis, beginRetryScript, [meta, retried, ...Object.values(others)], []);
      return { before, round };
    },

    async reopen(batch, rows, windowRows) {
      const keys = batchKeys(batch);
      const args = [windowRows, ...rows.flatMap((row) => [row.row, row.hop, row.bytes])];
      const [kind, ...replies] = await runScript<string[]>(
        redis,
        reopenScript,
        [keys.meta, keys.done, keys.open, keys.retried, keys.failed],
        args,
      );
      return kind === "full" ? "full" : replies.map((reply) => (reply === "leave" ? reply : Number(reply)));
    },

    miss: (batch, rows) =>
      runScript(
        redis,
        missScript,
        [batchKeys(batch).open, batchKeys(batch).missing],
        rows.flatMap(({ row, entry }) => [row, entry]),
      ),
    missing: async (batch) => (await redis.hkeys(batchKeys(batch).missing)).map(Number),

    async readd(batch, rows) {
      const keys = batchKeys(batch);
      const replies = await runScript<string[]>(redis, readdScript, [keys.open, keys.missing], rows);
      return replies.map((reply) => (reply === "gone" ? reply : Number(reply)));
    },

    async status(batch) {
      return readStatus(batch, await redis.hgetall(batchKeys(batch).meta));
    },

    list: () => redis.zrevrange(fleetKeys.batches, 0, -1),
  };
}

/** Runs `run` once per batch and gives the replies back in the order of the items. */
async function byBatch<Item extends { readonly batch: string }, Reply>(
  items: readonly Item[],
  run: (batch: string, group: readonly Item[]) => Promise<readonly Reply[]>,
): Promise<readonly Reply[]> {
  const groups = new Map<string, number[]>();
  items.forEach((item, i) => groups.get(item.batch)?.push(i) ?? groups.set(item.batch, [i]));
  const replies: Reply[] = [];
  await Promise.all(
    Array.from(groups, async ([batch, indices]) => {
      const group = await run(
        batch,
        indices.map((i) => items[i]!),
      );
      indices.forEach((index, i) => (replies[index] = group[i]!));
    }),
  );
  return replies;
}
