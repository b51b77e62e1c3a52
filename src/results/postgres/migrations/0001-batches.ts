// Which store it is, and how far each batch has come.

import type { Migration } from "../postgres-migrate.ts";

export const batchesMigration: Migration = {
  version: 1,
  name: "batches",
  sql: `
create table modelfleet.identity (
  id uuid not null default gen_random_uuid(),
  is_only boolean primary key default true check (is_only)
);
insert into modelfleet.identity default values;

create table modelfleet.batches (
  batch text collate "C" primary key,
  last_stream_id text collate "C",
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column modelfleet.batches.last_stream_id is 'what was written up to here is never written again';
`,
};
