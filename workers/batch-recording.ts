// Brings the results of one batch from its stream to the store and into the live totals, each of them once, wherever it is cut off.
//
//   read → (announce) → append to the store → count in the live totals → `stored` (counts for the batch, trims the stream)
//
// Each step may be repeated: the store skips what it has, the live totals and the batch have their watermarks, and the stream holds what is not counted. What
// is counted are changes of the ledger, so it must be known what the ledger had before: nothing of a row's first result; but calls of second results, of later rounds,
// and of rows that had a second result before their first may be there already. Such entries are announced before they are stored, with what the ledger has of
// them. So entries that the store has beyond the watermark were either announced, and are taken just so, or have no call that was there before.
//
// Whoever counts, the holder of the lease or one that lost it without knowing, counts the same for an entry; and the watermarks let each be counted once.

import type { BatchState } from "../src/job/batch.ts";
import { bookedAs, ledgerChanges, type LedgerChange } from "../src/job/ledger-changes.ts";
import type { LedgerEntry } from "../src/job/ledger.ts";
import type { LiveTotals } from "../src/cost/redis-live-totals.ts";
import type { Store } from "../src/results/store.ts";
import { compareStreamIds } from "../src/results/stream-id.ts";
import type { ReadEntries, ResultStream, StreamEntry } from "../queues/result-stream.ts";
import { batchSums } from "./batch-sums.ts";

export interface BatchRecording {
  /**
   * Records the oldest results that are not counted yet. To be called while the batch is leased, one call at a time. After `lost` another recorder has the batch.
   */
  next(): Promise<{
    readonly entries: number;
    /** There were no more when it looked. */
    readonly isAll: boolean;
    readonly state: BatchState | "unknown" | "lost";
  }>;
}

/** Entries that go together, and what the books had of their calls before. */
interface Group {
  readonly entries: readonly StreamEntry[];
  readonly known: readonly LedgerEntry[];
}

const READ_COUNT = 1_000;
const LOST = { entries: 0, isAll: true, state: "lost" } as const;

export function createBatchRecording(
  {
    stream,
    store,
    totals,
    readCount = READ_COUNT,
  }: { readonly stream: ResultStream; readonly store: Store; readonly totals: LiveTotals; readonly readCount?: number },
  batch: string,
): BatchRecording {
  /** As far as we know; asked for when there is something to count. */
  let countedTo: string | undefined;

  const groupOf = async (read: ReadEntries): Promise<Group | undefined> => {
    const { entries, after, announced } = read;
    if (announced) return { entries: await announcedEntries(read, announced.lastId), known: announced.known };
    const rows = await rowsToLookUp(read);
    if (rows.size === 0) return { entries, known: [] };
    const booked = await store.ledgerOf(batch, [...rows]);
    // Stored by a recorder that was cut off before it counted, and had not to announce them.
    const appended = entries.filter(({ id }) => booked.lastStreamId !== undefined && !isAfter(id, booked.lastStreamId));
    const group = appended.length > 0 ? { entries: appended, known: [] } : { entries, known: among(booked.entries, entries) };
    const isOurs = await stream.announce(batch, after, { lastId: group.entries.at(-1)!.id, known: group.known });
    return isOurs ? group : undefined;
  };

  const announcedEntries = async ({ entries, after }: ReadEntries, lastId: string): Promise<readonly StreamEntry[]> => {
    if (!isAfter(lastId, entries.at(-1)!.id)) return entries.filter(({ id }) => !isAfter(id, lastId));
    const whole = await stream.read(batch, { lastId });
    return whole.after === after ? whole.entries : [];
  };

  const rowsToLookUp = async ({ entries, hasExtras }: ReadEntries): Promise<ReadonlySet<number>> => {
    const isFirst = ({ isExtra, result }: StreamEntry) => !isExtra && result.round === 0;
    const rows = entries.filter((entry) => !isFirst(entry)).map(({ result }) => result.row);
    if (!hasExtras) return new Set(rows);
    const first = entries.filter(isFirst).map(({ result }) => result.row);
    return new Set([...rows, ...(await stream.rowsWithExtras(batch, first))]);
  };

  /** False: the watermark went back, and nobody can tell what is counted. */
  const count = async (lastId: string, changes: readonly LedgerChange[]): Promise<boolean> => {
    countedTo ??= await totals.watermark(batch);
    while (isAfter(lastId, countedTo)) {
      const after: string = countedTo;
      const other = await totals.count(batch, { after, lastId, changes: changes.filter(({ id }) => isAfter(id, after)) });
      if (other !== undefined && !isAfter(other, after)) return false;
      // Another recorder may have counted a part of them meanwhile.
      countedTo = other ?? lastId;
    }
    return true;
  };

  return {
    async next() {
      const read = await stream.read(batch, readCount);
      if (read.entries.length === 0) return { entries: 0, isAll: true, state: await stream.stored(batch, undefined) };
      const group = await groupOf(read);
      const lastId = group?.entries.at(-1)?.id;
      if (!group || lastId === undefined) return LOST;
      const { entries, known } = group;
      await store.append(
        batch,
        entries.map(({ id, result, isExtra }) => ({ streamId: id, result, ...(isExtra ? { isExtra } : {}) })),
      );
      const changes = ledgerChanges(entries, known);
      if (!(await count(lastId, changes))) return LOST;
      const recorded = entries.filter(({ isExtra }) => !isExtra);
      const state = await stream.stored(batch, {
        after: read.after,
        lastId,
        results: recorded.length,
        bytes: recorded.reduce((sum, { bytes }) => sum + bytes, 0),
        extraRows: entries.filter(({ isExtra }) => isExtra).map(({ result }) => result.row),
        sums: batchSums(changes),
      });
      return { entries: entries.length, isAll: read.entries.length < readCount && entries.length === read.entries.length, state };
    },
  };
}

/** Of what is booked, the calls that occur in the entries. */
function among(booked: readonly LedgerEntry[], entries: readonly StreamEntry[]): readonly LedgerEntry[] {
  const calls = new Set(entries.flatMap(({ result: { row, trail } }) => trail.map(({ call }) => bookedAs({ row, call }))));
  return booked.filter((entry) => calls.has(bookedAs(entry)));
}

/** "" comes before every id. */
function isAfter(id: string, other: string): boolean {
  return id !== "" && (other === "" || compareStreamIds(id, other) > 0);
}
