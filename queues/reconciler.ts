// The reconciler of one batch: finds rows that vanished from the queues (a job deleted by hand, writes lost in a failover), so that every batch ends.
//
// A row is missing when it has been open for a while without a new claim and no queue holds a job of it, at two looks in a row with nothing changed in between (a single look
// could miss a job that moves from a queue not yet looked at to one already passed). It goes back to its producer, if one is there that can read its input again; else it ends
// as `lost` (or `cancelled`, in a cancelled batch).

import type { Redis } from "ioredis";
import { queueJobId } from "../src/job/job.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { batchKeys, parseQueueName, queueJobKey } from "../src/runtime/keys.ts";
import type { Logger } from "../src/runtime/logger.ts";
import { serverTimeMs } from "../src/runtime/redis-script.ts";
import type { BatchStates } from "./batch-state.ts";
import { sendPipeline } from "./pipeline.ts";
import type { QueueSet } from "./queue-set.ts";

/** The most calls a step may have, as far as the reconciler looks. */
const MOST_PARTS = 8;
const SCAN_COUNT = 1_000;

interface OpenRow {
  readonly row: number;
  readonly entry: string;
  readonly hop: number;
  readonly isClaimed: boolean;
  readonly at: number;
}

export function createReconciler(
  deps: { readonly redis: Redis; readonly states: BatchStates; readonly queues: QueueSet; readonly clock: Clock; readonly log: Logger },
  { batch, everyMs }: { readonly batch: string; readonly everyMs: number },
) {
  const { redis, states, queues, clock, log } = deps;
  const keys = batchKeys(batch);
  let nextAt = clock.now() + everyMs;
  /** Rows found absent at the last look, with their open entry. */
  let absentBefore = new Map<number, string>();

  const look = async () => {
    const stale = await staleRows();
    const present = stale.length > 0 ? await rowsInQueues(stale) : new Set<number>();
    const absent = stale.filter(({ row }) => !present.has(row));
    const missing = absent.filter(({ row, entry }) => absentBefore.get(row) === entry);
    absentBefore = new Map(absent.map(({ row, entry }) => [row, entry]));
    if (missing.length > 0) await handleMissing(missing);
  };

  const staleRows = async (): Promise<OpenRow[]> => {
    const before = (await serverTimeMs(redis)) - everyMs;
    const stale: OpenRow[] = [];
    let cursor = "0";
    do {
      const [next, fields] = await redis.hscan(keys.open, cursor, "COUNT", SCAN_COUNT);
      cursor = next;
      for (let i = 0; i < fields.length; i += 2) {
        const open = parseOpen(fields[i]!, fields[i + 1]!);
        if (open.at < before) stale.push(open);
      }
    } while (cursor !== "0");
    return stale;
  };

  const rowsInQueues = async (rows: readonly OpenRow[]): Promise<Set<number>> => {
    const present = new Set<number>();
    for (const name of await queues.known()) {
      const kind = parseQueueName(name)?.kind;
      if (kind === undefined || kind === "dead") continue;
      const jobs = rows
        .filter(({ row }) => !present.has(row))
        .flatMap((open) =>
          possibleIds(batch, open, kind === "model" ? MOST_PARTS : 1).map((id) => ({ row: open.row, key: queueJobKey(name, id) })),
        );
      const replies = await sendPipeline(redis, (pipeline) => jobs.forEach(({ key }) => pipeline.exists(key)));
      replies.forEach((exists, i) => exists === 1 && present.add(jobs[i]!.row));
    }
    return present;
  };

  const handleMissing = async (missing: readonly OpenRow[]) => {
    const [status, producer] = await Promise.all([states.status(batch), redis.exists(keys.producer)]);
    if (!status) return;
    log.warn({ batch, rows: missing.length, first: missing[0]!.row }, "rows have vanished from the queues");
    if (producer === 1 && !status.cancelling) {
      await states.miss(batch, missing);
      return;
    }
    const now = clock.now();
    const error = status.cancelling
      ? ({ code: "cancelled", message: `batch ${batch} was cancelled` } as const)
      : ({
          code: "lost",
          message: "the row's job vanished from the queues (deleted by hand, or lost with the server that held it)",
        } as const);
    await Promise.all(
      missing.map(({ row, hop, entry }) =>
        states.record(
          {
            batch,
            row,
            task: status.task,
            round: status.round,
            hop: hop + 1,
            status: "error",
            error,
            trail: [],
            reroutes: 0,
            enqueuedAt: now,
            finishedAt: now,
          },
          entry,
        ),
      ),
    );
  };

  return {
    /** To be called now and then; looks when it is time. */
    async tick(): Promise<void> {
      if (clock.now() < nextAt) return;
      await look();
      nextAt = clock.now() + everyMs;
    },
  };
}

function parseOpen(row: string, entry: string): OpenRow {
  const [hop, claimed, at] = entry.split("|");
  return { row: Number(row), entry, hop: Number(hop), isClaimed: claimed === "1", at: Number(at) };
}

/** A claimed row's job is the one that was claimed, or the next one, added and not yet claimed. */
function possibleIds(batch: string, { row, hop, isClaimed }: OpenRow, parts: number): string[] {
  const hops = isClaimed ? [hop, hop + 1] : [hop];
  return hops.flatMap((each) => Array.from({ length: parts }, (_, part) => queueJobId({ batch, row }, each, part)));
}
