// Reading from PostgreSQL: page by page along the primary key. No transaction is held open for a reader that takes its time, and none is lost when it leaves.

import type { LedgerEntry } from "../job/ledger.ts";
import type { Result } from "../job/result.ts";
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

const LEDGER_AFTER = `
select batch, ${LEDGER_COLUMNS.map(({ name }) => (name === "at" ? `(extract(epoch from at) * 1000)::double precision as at` : name)).join(", ")}
from modelfleet.ledger where batch = $1 and (row, call) > ($2, $3) order by row, call limit $4`;

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
