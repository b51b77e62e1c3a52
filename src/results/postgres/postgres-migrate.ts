// The tables, made and brought up to date by whichever process comes first: one at a time, all of what is missing or nothing.

import { StoppedError } from "../../job/errors.ts";
import type { PostgresConnection, Query } from "./postgres-connection.ts";
import { batchesMigration } from "./migrations/0001-batches.ts";
import { resultsMigration } from "./migrations/0002-results.ts";
import { ledgerMigration } from "./migrations/0003-ledger.ts";
import { estimatedCallsMigration } from "./migrations/0004-estimated-calls.ts";

/** What was published is never changed: a later change is a migration of its own, with the next version. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const MIGRATIONS: readonly Migration[] = [batchesMigration, resultsMigration, ledgerMigration, estimatedCallsMigration];
export const NEWEST_VERSION = MIGRATIONS.length;

/** gen_random_uuid() and what the queries need. */
const OLDEST_SERVER = 130_000;
/** Any number, so long as all versions of modelfleet take the same. */
const LOCK = 7_265_318_402;

/** Safe to be called by many processes at once. Where nothing is missing it only reads, so that a user who may only read gets on. */
export async function migrate(connection: PostgresConnection, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const newest = migrations.length;
  if ((await requireKnownVersion(connection.query, connection.place, newest)) === newest) return;
  await requireServer(connection);
  // A large store's tables are rewritten for longer than a query may take, and others wait for that.
  await connection.longTransaction(async (query) => {
    await query("select pg_advisory_xact_lock($1)", [LOCK]);
    // Asked first: "if not exists" needs the right to make one even where it is there.
    const [found] = await query<{ isThere: boolean }>(`select to_regnamespace('modelfleet') is not null as "isThere"`);
    if (!found?.isThere) await query("create schema modelfleet");
    await query(
      `create table if not exists modelfleet.migrations (version integer primary key, name text not null, applied_at timestamptz not null default now())`,
    );
    const done = await requireKnownVersion(query, connection.place, newest);
    for (const { version, name, sql } of migrations.slice(done)) {
      await query(sql);
      await query("insert into modelfleet.migrations (version, name) values ($1, $2)", [version, name]);
    }
  });
}

/** 0: there are no tables yet. */
export async function readVersion(query: Query): Promise<number> {
  const [found] = await query<{ isThere: boolean }>(`select to_regclass('modelfleet.migrations') is not null as "isThere"`);
  if (!found?.isThere) return 0;
  const [newest] = await query<{ version: number | null }>("select max(version) as version from modelfleet.migrations");
  return newest?.version ?? 0;
}

async function requireKnownVersion(query: Query, place: string, newest: number): Promise<number> {
  const version = await readVersion(query);
  if (version <= newest) return version;
  throw new StoppedError(
    `the tables at ${place} are of a newer modelfleet (version ${version}; this one knows ${newest})`,
    "Upgrade this installation to the version that the others of the fleet have.",
  );
}

async function requireServer({ query, place }: PostgresConnection): Promise<void> {
  const [found] = await query<{ number: number; version: string; encoding: string }>(
    `select current_setting('server_version_num')::integer as number, current_setting('server_version') as version, current_setting('server_encoding') as encoding`,
  );
  if (!found) return;
  if (found.number < OLDEST_SERVER) {
    throw new StoppedError(`the PostgreSQL at ${place} is version ${found.version}; modelfleet needs 13 or later`, "Upgrade the server.");
  }
  if (found.encoding !== "UTF8") {
    throw new StoppedError(
      `the database at ${place} has the encoding ${found.encoding}, which can't hold every answer`,
      "Make one with: createdb --encoding=UTF8 --template=template0 NAME",
    );
  }
}
