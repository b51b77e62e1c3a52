// Writing to PostgreSQL: the results of one append, their calls and how far the batch has come, in one transaction.

import { ledgerEntries, mergeLedgerEntries, type LedgerEntry } from "../../job/ledger.ts";
import type { StoredResult } from "../store.ts";
import { compareStreamIds } from "../stream-id.ts";
import type { Query } from "./postgres-connection.ts";
import { LEDGER_COLUMNS, RESULT_COLUMNS, type Column, type RecordedResult } from "./postgres-columns.ts";

/** Of one statement: answers may be long. */
const CHUNK_ROWS = 1_000;
const CHUNK_CHARACTERS = 8 * 1024 * 1024;

/** Also locks the batch until the end of the transaction: two recorders of one batch write one after the other. */
const LOCK_BATCH = `
insert into modelfleet.batches (batch) values ($1)
on conflict (batch) do update set updated_at = now()
returning last_stream_id as "lastStreamId"`;

const MOVE_ON = `update modelfleet.batches set last_stream_id = $2 where batch = $1`;

const INSERT_RESULTS = insertInto("results", RESULT_COLUMNS, {
  key: "batch, row",
  replace: (name) => `excluded.${name}`,
  where: "excluded.round > known.round",
});

/** As `mergeLedgerEntries` does, with what was written before as the first. */
const IS_REPLACED = `known.outcome = 'uncertain' and excluded.outcome <> 'uncertain'`;
const IS_ALIKE = `(known.outcome = 'uncertain') = (excluded.outcome = 'uncertain')`;
const INSERT_LEDGER = insertInto("ledger", LEDGER_COLUMNS, {
  key: "batch, row, call",
  replace: (name) =>
    name === "is_duplicate" ? `excluded.is_duplicate` : `case when ${IS_REPLACED} then excluded.${name} else known.${name} end`,
  where: `(${IS_REPLACED}) or (${IS_ALIKE} and known.is_duplicate and not excluded.is_duplicate)`,
});

/** Within a transaction. Entries that are not newer than the batch's last one are left out. */
export async function appendWithin(query: Query, batch: string, entries: readonly StoredResult[]): Promise<void> {
  const [known] = await query<{ lastStreamId: string | null }>(LOCK_BATCH, [batch]);
  const lastStreamId = known?.lastStreamId;
  const fresh = lastStreamId ? entries.filter((entry) => compareStreamIds(entry.streamId, lastStreamId) > 0) : entries;
  const last = fresh.at(-1);
  if (!last) return;
  for (const chunk of chunks(fresh)) {
    const recorded = lastOfEachRow(chunk);
    if (recorded.length > 0) await query(INSERT_RESULTS, [batch, ...arrays(recorded, RESULT_COLUMNS)]);
    const calls = callsOf(chunk);
    if (calls.length > 0) await query(INSERT_LEDGER, [batch, ...arrays(calls, LEDGER_COLUMNS)]);
  }
  await query(MOVE_ON, [batch, last.streamId]);
}

interface RecordedEntry extends RecordedResult {
  readonly isExtra: boolean;
}

function* chunks(entries: readonly StoredResult[]): Generator<readonly RecordedEntry[]> {
  let chunk: RecordedEntry[] = [];
  let characters = 0;
  for (const { result, isExtra = false } of entries) {
    const record = isExtra ? "" : JSON.stringify(result);
    chunk.push({ result, record, isExtra });
    characters += record.length;
    if (chunk.length < CHUNK_ROWS && characters < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = [];
    characters = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** One statement can't write a row twice: the highest round is chosen here, as the statement does against what is there. */
function lastOfEachRow(chunk: readonly RecordedEntry[]): readonly RecordedResult[] {
  const byRow = new Map<number, RecordedResult>();
  for (const entry of chunk) {
    const known = byRow.get(entry.result.row);
    if (!entry.isExtra && (!known || entry.result.round > known.result.round)) byRow.set(entry.result.row, entry);
  }
  return [...byRow.values()];
}

function callsOf(chunk: readonly RecordedEntry[]): readonly LedgerEntry[] {
  const byCall = new Map<string, LedgerEntry>();
  for (const { result, isExtra } of chunk) {
    for (const entry of ledgerEntries(result, isExtra)) {
      const key = `${entry.row}|${entry.call}`;
      const known = byCall.get(key);
      byCall.set(key, known ? mergeLedgerEntries(known, entry) : entry);
    }
  }
  return [...byCall.values()];
}

/** An array for each column: the statement's text is the same for any number of rows. */
function arrays<Item>(items: readonly Item[], columns: readonly Column<Item>[]): readonly unknown[] {
  return columns.map((column) => items.map(column.of));
}

/** `$1` is the batch, then an array for each column. */
function insertInto<Item>(
  table: string,
  columns: readonly Column<Item>[],
  conflict: { readonly key: string; readonly replace: (name: string) => string; readonly where: string },
): string {
  const names = columns.map(({ name }) => name);
  const keys = new Set(conflict.key.split(", "));
  return `
insert into modelfleet.${table} as known (batch, ${names.join(", ")})
select $1, * from unnest(${columns.map(({ type }, i) => `$${i + 2}::${type}[]`).join(", ")})
on conflict (${conflict.key}) do update set ${names
    .filter((name) => !keys.has(name))
    .map((name) => `${name} = ${conflict.replace(name)}`)
    .join(", ")}
where ${conflict.where}`;
}
