// Which of the money is exact, and which an estimate.

import type { Migration } from "../postgres-migrate.ts";

export const estimatedCallsMigration: Migration = {
  version: 4,
  name: "estimated-calls",
  sql: `
alter table modelfleet.ledger add column is_estimated boolean not null default false;
update modelfleet.ledger set is_estimated = true where outcome = 'uncertain';
comment on column modelfleet.ledger.is_estimated is 'usage and cost are estimates: it was cut off, or the vendor answered and did not say what it took';
`,
};
