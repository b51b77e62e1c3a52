// Connections to PostgreSQL: a small pool that makes new ones when the server has been away, transactions, and errors in our words.

import { Pool, type PoolConfig } from "pg";
import { StoppedError, UsageError } from "../../job/errors.ts";
import { maskPostgresUrl, problemOfPostgresUrl } from "../store-address.ts";

const MAX_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that is silent for this long is taken for gone; not in long transactions, where TCP alone tells. */
const QUERY_TIMEOUT_MS = 120_000;
/** Where nothing else would notice that the server is gone: from this silence on the system asks it. */
const KEEP_ALIVE_MS = 10_000;
/** A process that was halted in the middle of a transaction must not hold its batch for ever. */
const IDLE_TRANSACTION_MS = 60_000;
/** Settings are made within: poolers such as PgBouncer refuse a connection that brings its own. */
const BEGIN = `begin; set local idle_in_transaction_session_timeout = ${IDLE_TRANSACTION_MS}`;

export type Query = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export interface PostgresConnection {
  /** The address without its password. */
  readonly place: string;
  /** One statement by itself. */
  readonly query: Query;
  /** All of it or nothing. A failure after which it isn't known whether it was committed is a failure too: write so that it may be repeated. */
  transaction<Value>(work: (query: Query) => Promise<Value>): Promise<Value>;
  /** The same for statements that may take hours, on a connection that is closed after it. */
  longTransaction<Value>(work: (query: Query) => Promise<Value>): Promise<Value>;
  stop(): Promise<void>;
}

/** Connects on first use. Rejections are StoppedErrors that name the place, without values of rows. @throws UsageError when the address is none. */
export function createPostgresConnection(
  url: string,
  { queryTimeoutMs = QUERY_TIMEOUT_MS }: { readonly queryTimeoutMs?: number } = {},
): PostgresConnection {
  const problem = problemOfPostgresUrl(url);
  if (problem !== undefined) throw new UsageError(`the store's address ${problem}`, "It is STORE_URL, or store.url of the configuration.");
  const place = maskPostgresUrl(url);
  const pool = openPool(url, { max: MAX_CONNECTIONS, query_timeout: queryTimeoutMs });
  const patientPool = openPool(url, { max: 1, maxUses: 1, keepAliveInitialDelayMillis: KEEP_ALIVE_MS });

  const fail = (error: unknown): never => {
    throw asStoppedError(error, place);
  };
  const withClient = async <Value>(from: Pool, work: (query: Query) => Promise<Value>): Promise<Value> => {
    const client = await from.connect().catch(fail);
    let isSound = false;
    try {
      const value = await work(async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        return (await client.query<Row>(text, [...values]).catch(fail)).rows;
      });
      isSound = true;
      return value;
    } finally {
      // After a failure its transaction may still be open: closing the connection ends it.
      client.release(!isSound);
    }
  };

  const transactionOn = <Value>(from: Pool, work: (query: Query) => Promise<Value>): Promise<Value> =>
    withClient(from, async (query) => {
      await query(BEGIN);
      const value = await work(query);
      await query("commit");
      return value;
    });

  let stopping: Promise<unknown> | undefined;
  return {
    place,
    query: (text, values) => withClient(pool, (query) => query(text, values)),
    transaction: (work) => transactionOn(pool, work),
    longTransaction: (work) => transactionOn(patientPool, work),
    async stop() {
      await (stopping ??= Promise.all([pool.end(), patientPool.end()]));
    },
  };
}

/** Connects on first use. */
function openPool(url: string, options: PoolConfig): Pool {
  const pool = new Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: `modelfleet:${process.pid}`,
    ...options,
  });
  // A connection that breaks while nobody waits for it is replaced on the next use; one in use rejects its query.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** The message alone: the error's other fields may hold a row's values. */
function asStoppedError(error: unknown, place: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code = "" } = error as { readonly code?: string };
  // Of an address with several IP addresses there is an error each, and no message.
  const reason = error.message || (error instanceof AggregateError && (error.errors[0] as Error | undefined)?.message) || code;
  return new StoppedError(`the store at ${place} can't be used: ${reason}`, hintFor(code));
}

/** By SQLSTATE or Node's error code. */
function hintFor(code: string): string {
  if (code === "28P01" || code === "28000") return "Check the user and the password in STORE_URL, or store.url of the configuration.";
  if (code === "3D000") return "Make the database, with createdb or CREATE DATABASE; its tables are made by themselves.";
  if (code === "42501")
    return `Its user needs the right to make a schema in the database, or to read and write the schema modelfleet: see "npx modelfleet check".`;
  if (code === "08P01")
    return "A pooler such as PgBouncer refuses a setting that the address brings: take it out, or name it in the pooler's ignore_startup_parameters.";
  if (/^(22|23|42)/.test(code)) return "This is a fault of modelfleet: report it, with this message.";
  if (code.startsWith("53")) return "The server is out of room or connections. What is not stored yet waits in Redis.";
  return "Is it running, and is the address right? What is not stored yet waits in Redis.";
}
