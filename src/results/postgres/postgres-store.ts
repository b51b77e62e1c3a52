// The store in a PostgreSQL: for fleets of several machines, and for queries of one's own (docs/store.md).
//
// States: untouched → ready (the tables are there and of our version; made on the first use, whatever it is) → stopped. A failure leaves it as it was: every
// use connects anew where it must, so that it goes on when the server is back.

import type { Store } from "../store.ts";
import { createPostgresConnection, type Query } from "./postgres-connection.ts";
import { appendWithin } from "./postgres-append.ts";
import { migrate, NEWEST_VERSION, readVersion } from "./postgres-migrate.ts";
import { readBatches, readLedger, readLedgerOf, readResults } from "./postgres-read.ts";
import { requireRights } from "./postgres-rights.ts";

/** @throws UsageError when `url` is no address of a PostgreSQL. */
export function createPostgresStore({ url }: { readonly url: string }): Store {
  const connection = createPostgresConnection(url);
  const { place } = connection;
  let migrating: Promise<void> | undefined;
  /** The last append to each batch: those of one batch go one after the other, as they were asked for. */
  const queues = new Map<string, Promise<unknown>>();

  const ready = async () => {
    migrating ??= migrate(connection);
    try {
      await migrating;
    } catch (error) {
      migrating = undefined;
      throw error;
    }
  };

  const query: Query = async (text, values) => {
    await ready();
    return connection.query(text, values);
  };

  const inTurn = <Value>(batch: string, work: () => Promise<Value>): Promise<Value> => {
    const turn = (queues.get(batch) ?? Promise.resolve()).then(work);
    const settled = turn.then(noted, noted);
    queues.set(batch, settled);
    void settled.then(() => queues.get(batch) === settled && queues.delete(batch));
    return turn;
  };

  return {
    place,
    async identity() {
      const [found] = await query<{ id: string }>("select id from modelfleet.identity");
      return found!.id;
    },
    async probe() {
      await requireRights(connection.query, place);
      const version = await readVersion(connection.query);
      const [server] = await connection.query<{ version: string }>(`select current_setting('server_version') as version`);
      const tables =
        version === 0 ? "no tables yet: the first process that uses it makes them" : `tables at version ${version} of ${NEWEST_VERSION}`;
      return `PostgreSQL ${server!.version} at ${place}, ${tables}`;
    },
    async lastStreamId(batch) {
      const [found] = await query<{ id: string | null }>("select last_stream_id as id from modelfleet.batches where batch = $1", [batch]);
      return found?.id ?? undefined;
    },
    async append(batch, entries) {
      if (entries.length === 0) return;
      await inTurn(batch, async () => {
        await ready();
        await connection.transaction((within) => appendWithin(within, batch, entries));
      });
    },
    read: (batch) => readResults(query, batch),
    ledger: (batch) => readLedger(query, batch),
    ledgerOf: (batch, rows) => readLedgerOf(query, batch, rows),
    batches: () => readBatches(query),
    async stop() {
      await Promise.all(queues.values());
      await connection.stop();
    },
  };
}

function noted(): void {}
