// Whether the store's user may do what the store needs, and what to grant where not. Reading alone needs less: see docs/store.md.

import { StoppedError } from "../../job/errors.ts";
import type { Query } from "./postgres-connection.ts";

/** What is written, and what is only read. */
const TABLES = ["batches", "results", "ledger", "identity", "migrations"];
const WRITTEN = TABLES.slice(0, 3);

/** From the catalogue: looking into a schema that one has no right to is an error. */
const FIND_RIGHTS = `
with store_schema as (
  select oid, has_schema_privilege(oid, 'usage') as may_use, has_schema_privilege(oid, 'create') as may_make
  from pg_namespace where nspname = 'modelfleet'
), store_tables as (
  select has_table_privilege(pg_class.oid, 'select')
    and (relname <> all($2::text[]) or (has_table_privilege(pg_class.oid, 'insert') and has_table_privilege(pg_class.oid, 'update'))) as may_write
  from pg_class join store_schema on relnamespace = store_schema.oid
  where relname = any($1::text[])
)
select quote_ident(current_user) as "user", quote_ident(current_database()) as "database",
  has_database_privilege(current_database(), 'create') as "mayMakeSchema",
  exists (select from store_schema) as "hasSchema",
  coalesce((select may_use from store_schema), false) as "mayUse",
  coalesce((select may_make from store_schema), false) as "mayMakeTables",
  (select count(*)::integer from store_tables) as "tables",
  coalesce((select bool_and(may_write) from store_tables), false) as "mayWrite"`;

interface Rights {
  /** As SQL writes them. */
  readonly user: string;
  readonly database: string;
  readonly mayMakeSchema: boolean;
  readonly hasSchema: boolean;
  readonly mayUse: boolean;
  readonly mayMakeTables: boolean;
  /** How many of them are there. */
  readonly tables: number;
  readonly mayWrite: boolean;
}

/** @throws StoppedError when its user may not write to the store, or not make its tables where they are missing. */
export async function requireRights(query: Query, place: string): Promise<void> {
  const [rights] = await query<Rights>(FIND_RIGHTS, [TABLES, WRITTEN]);
  if (!rights) return;
  const { user, database } = rights;
  const fail = (what: string, grant: string) => {
    throw new StoppedError(`the user ${user} may not ${what} the store at ${place}`, `As an administrator: ${grant}`);
  };
  if (!rights.hasSchema) {
    if (!rights.mayMakeSchema)
      fail("make the schema of", `create schema modelfleet authorization ${user}; or grant create on database ${database} to ${user};`);
  } else if (rights.tables < TABLES.length) {
    if (!rights.mayUse || !rights.mayMakeTables) fail("make the tables of", `grant usage, create on schema modelfleet to ${user};`);
  } else if (!rights.mayUse || !rights.mayWrite) {
    fail(
      "write to",
      `grant usage on schema modelfleet to ${user}; grant select, insert, update on all tables in schema modelfleet to ${user};`,
    );
  }
}
