// One line for every call, of all rounds, answered or not.

import type { Migration } from "../postgres-migrate.ts";

export const ledgerMigration: Migration = {
  version: 3,
  name: "ledger",
  sql: `
create table modelfleet.ledger (
  batch text collate "C" not null,
  row integer not null,
  call text collate "C" not null,
  at timestamptz not null,
  task text not null,
  tags jsonb,
  tenant text,
  provider text not null,
  model text not null,
  attempt integer not null,
  purpose text not null,
  outcome text not null,
  is_duplicate boolean not null,
  latency_ms double precision not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  price jsonb,
  cost_nano_usd bigint not null,
  primary key (batch, row, call)
);
-- Calls are written about in the order they began: a few pages for what would be a large index.
create index ledger_at on modelfleet.ledger using brin (at);
comment on column modelfleet.ledger.cost_nano_usd is 'billionths of a dollar';
comment on column modelfleet.ledger.outcome is 'uncertain: cut off, its usage is an estimate until the exact one arrives';
comment on column modelfleet.ledger.price is 'pico-dollars (10^-12) per token';
`,
};
