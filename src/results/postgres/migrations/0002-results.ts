// One line for every row that has a result, that of its last round. `record` is what modelfleet reads; the other columns are for queries.

import type { Migration } from "../postgres-migrate.ts";

export const resultsMigration: Migration = {
  version: 2,
  name: "results",
  sql: `
create table modelfleet.results (
  batch text collate "C" not null,
  row integer not null,
  round integer not null,
  task text not null,
  status text not null check (status in ('answered', 'error')),
  model text,
  output jsonb,
  error_code text,
  error_message text,
  label text,
  line bigint,
  tags jsonb,
  tenant text,
  calls integer not null,
  reroutes integer not null,
  cost_nano_usd bigint not null,
  enqueued_at timestamptz not null,
  finished_at timestamptz not null,
  record json not null,
  record_bytes integer not null,
  primary key (batch, row)
);
comment on column modelfleet.results.label is 'the id or custom_id of the input';
comment on column modelfleet.results.cost_nano_usd is 'billionths of a dollar: all calls of the round that ended the row';
comment on column modelfleet.results.record_bytes is 'size of record before compression';
comment on column modelfleet.results.record is 'the whole result, as modelfleet wrote it and reads it';
`,
};
