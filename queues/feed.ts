// Feeds the rows of an input into a batch, and again after an interruption: a digest per thousand rows tells whether the input is still the same.

import type { Redis } from "ioredis";
import { assertUnchanged, createDigester, type RowsDigest } from "../src/intake/fingerprint.ts";
import type { Row } from "../src/intake/row.ts";
import { UsageError } from "../src/job/errors.ts";
import type { JobTerms } from "../src/job/job.ts";
import { freshProgress } from "../src/job/progress.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { batchKeys } from "../src/runtime/keys.ts";
import type { BatchStates } from "./batch-state.ts";
import type { QueueSet } from "./queue-set.ts";
import type { RowWriter } from "./row-writer.ts";

const PRODUCER_LEASE_MS = 15_000;

/** Compares an input with what an earlier run of the batch saw of it, before anything is added. @throws UsageError naming the lines that differ. */
export async function verifyUnchanged(redis: Redis, batch: string, rows: () => AsyncIterable<Row>): Promise<void> {
  const { digests, meta } = batchKeys(batch);
  const [stored, sealedTotal] = await Promise.all([redis.hgetall(digests), redis.hget(meta, "total")]);
  const total = sealedTotal === null ? undefined : Number(sealedTotal);
  const lastIndex = Math.max(-1, ...Object.keys(stored).map(Number));
  if (lastIndex < 0 && total === undefined) return;
  const digester = createDigester();
  const compare = (digest: RowsDigest | undefined) => digest && assertUnchanged(digest, stored[digest.index]);
  let count = 0;
  for await (const row of rows()) {
    const digest = digester.add(row);
    compare(digest);
    // Where the total is not known yet, what follows may well be new.
    if (total === undefined && digest && digest.index >= lastIndex) return;
    if (++count > (total ?? Infinity)) throw differs(`the batch has ${total} rows, and there are more from line ${row.line} on`);
  }
  if (total !== undefined && count < total) throw differs(`the batch has ${total} rows, and there are ${count}`);
  compare(digester.end());
}

function differs(how: string): UsageError {
  return new UsageError(
    `the input has changed since this batch began: ${how}`,
    "Restore the file, or start anew with --fresh (where a batch was named: with another --batch).",
  );
}

/** Gives every row to the writer and seals the batch. @throws UsageError when the input turns out to have changed. */
export async function feedRows(
  redis: Redis,
  batch: string,
  rows: AsyncIterable<Row>,
  writer: RowWriter,
  terms: JobTerms = {},
): Promise<void> {
  const key = batchKeys(batch).digests;
  const stored = await redis.hgetall(key);
  const digester = createDigester();
  const keep = async (digest: RowsDigest | undefined) => {
    if (!digest) return;
    assertUnchanged(digest, stored[digest.index]);
    await redis.hset(key, digest.index, digest.digest);
  };
  for await (const row of rows) {
    const { line, bytes, id } = row;
    const label = id === undefined ? {} : { id };
    if (row.kind === "bad")
      await writer.reject({
        reason: row.reason,
        line,
        ...label,
        ...(row.body ? { body: row.body } : row.input ? { input: row.input } : {}),
        ...terms,
      });
    else await writer.add({ input: row.input, line, bytes, ...label, ...(row.body ? { body: row.body } : {}), ...terms });
    const digest = digester.add(row);
    if (digest) await keep(digest);
  }
  await keep(digester.end());
  await writer.seal();
}

/** While it runs, the reconciler knows that somebody can read the batch's input again, and hands missing rows back instead of ending them. */
export function holdProducerLease(redis: Redis, clock: Clock, batch: string): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const key = batchKeys(batch).producer;
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await redis.set(key, process.pid, "PX", PRODUCER_LEASE_MS).catch(() => undefined);
      await clock.sleep(PRODUCER_LEASE_MS / 3, stopping.signal);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      await redis.del(key).catch(() => undefined);
    },
  };
}

/** Adds rows that vanished from the queues once more, reading them from the input again; answers with how many. */
export async function readdMissing(
  deps: { readonly states: BatchStates; readonly queues: QueueSet; readonly clock: Clock },
  { batch, task, terms = {} }: { readonly batch: string; readonly task: string; readonly terms?: JobTerms },
  rows: () => AsyncIterable<Row>,
): Promise<number> {
  const { states, queues, clock } = deps;
  const wanted = new Set(await states.missing(batch));
  if (wanted.size === 0) return 0;
  const round = (await states.status(batch))?.round ?? 0;
  let added = 0;
  for await (const row of rows()) {
    if (!wanted.delete(row.row) || row.kind === "bad") continue;
    const [hop] = await states.readd(batch, [row.row]);
    if (typeof hop !== "number") continue;
    const { input, body, id, line } = row;
    const job = { batch, row: row.row, task, input, line, ...(body ? { body } : {}), ...(id === undefined ? {} : { id }), ...terms };
    await queues.addToTask([{ job, hop, round, progress: freshProgress(clock.now()) }]);
    added++;
    if (wanted.size === 0) break;
  }
  return added;
}
