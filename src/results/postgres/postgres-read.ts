// Reading from PostgreSQL: page by page along the primary key. No transaction is held open for a reader that takes its time, and none is lost when it leaves.

import type { LedgerEntry } from "../../job/ledger.ts";
import type { Result } from "../../job/result.ts";
import type { Store } from "../store.ts";
import { LEDGER_COLUMNS, toLedgerEntry, type LedgerLine } from "./postgres-columns.ts";
import type { Query } from "./postgres-connection.ts";

const PAGE_ROWS = 2_000;
const PAGE_BYTES = 8 * 1024 * 1024;

/** A page is bounded by bytes as well, and has one row at least. */
const RESULTS_AFTER = `
select row, record::text as record from (
  select row, record, sum(record_bytes) over (order by row) - record_bytes as bytes_before
  from (select row, record, record_bytes from modelfleet.results where batch = $1 and row > $2 order by row limit $3) as page
) as sized
where bytes_before < $4 order by row`;

const LEDGER_NAMES = LEDGER_COLUMNS.map(({ name }) =>
  name === "at" ? `(extract(epoch from at) * 1000)::double precision as at` : name,
).join(", ");

const LEDGER_AFTER = `
select batch, ${LEDGER_NAMES}
from modelfleet.ledger where batch = $1 and (row, call) > ($2, $3) order by row, call limit $4`;

/** One statement sees one moment. A batch without such calls has a line all the same, of its own column alone. */
const LEDGER_OF_ROWS = `
select last_stream_id as "lastStreamId", found.*
from modelfleet.batches left join (
  select batch as of_batch, ${LEDGER_NAMES} from modelfleet.ledger where batch = $1 and row = any($2::integer[])
) as found on of_batch = batch
where batch = $1 order by row, call`;

/** Those with results, and those of which the calls alone are kept. From one batch of the ledger's key to the next: it has a line for every call of years. */
const BATCHES = `
with recursive booked as (
  (select batch from modelfleet.ledger order by batch limit 1)
  union all
  select (select batch from modelfleet.ledger where batch > booked.batch order by batch limit 1) from booked where booked.batch is not null
)
select batch from modelfleet.batches where last_stream_id is not null
union select batch from booked where batch is not null
order by batch`;

export async function readBatches(query: Query): Promise<readonly string[]> {
  const found = await query<{ batch: string }>(BATCHES);
  return found.map(({ batch }) => batch);
}

export async function* readResults(query: Query, batch: string): AsyncGenerator<Result> {
  for (let after = -1; ;) {
    const page = await query<{ row: number; record: string }>(RESULTS_AFTER, [batch, after, PAGE_ROWS, PAGE_BYTES]);
    for (const { record } of page) yield JSON.parse(record) as Result;
    const last = page.at(-1);
    if (!last) return;
    after = last.row;
  }
}

/** In order of rows. */
export async function* readLedger(query: Query, batch: string): AsyncGenerator<LedgerEntry> {
  for (let after = { row: -1, call: "" }; ;) {
    const page = await query<LedgerLine>(LEDGER_AFTER, [batch, after.row, after.call, PAGE_ROWS]);
    for (const line of page) yield toLedgerEntry(line);
    const last = page.at(-1);
    if (!last) return;
    after = last;
  }
}

/** Of some rows, with how far the batch has come. */
export async function readLedgerOf(query: Query, batch: string, rows: readonly number[]): ReturnType<Store["ledgerOf"]> {
  type Line = LedgerLine & { readonly lastStreamId: string | null };
  const lines = await query<Line | { readonly [Name in keyof Line]: null }>(LEDGER_OF_ROWS, [batch, rows]);
  const entries = lines.flatMap((line) => (line.call === null ? [] : [toLedgerEntry({ ...line, batch })]));
  return { lastStreamId: lines[0]?.lastStreamId ?? undefined, entries };
}
