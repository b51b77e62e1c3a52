// A PostgreSQL for tests, with a database of their own for each that asks: the server of POSTGRES_URL, else one that is started from the programs on this machine.

import { randomUUID } from "node:crypto";
import { Client, type QueryResultRow } from "pg";
import { findPostgresPrograms, startLocalPostgres } from "../../scripts/local-postgres.ts";
import { readEnvironment } from "../../src/runtime/environment.ts";

export interface TestPostgres {
  /** False for the server of POSTGRES_URL: it is not ours to kill. */
  readonly isOurs: boolean;
  /** A new, empty database. */
  createDatabase(): Promise<string>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Removes the databases too. */
  stop(): Promise<void>;
}

/** Why there is none; undefined: {@link startTestPostgres} will do. Skip with it. */
export async function whyNoPostgres(): Promise<string | undefined> {
  if (readEnvironment().variable("POSTGRES_URL")) return undefined;
  const programs = await findPostgresPrograms();
  return "missing" in programs ? programs.missing : undefined;
}

export async function startTestPostgres(): Promise<TestPostgres> {
  const given = readEnvironment().variable("POSTGRES_URL");
  const programs = await findPostgresPrograms();
  if (!given && "missing" in programs) throw new Error(programs.missing);
  const local = given || "missing" in programs ? undefined : await startLocalPostgres(programs, { isSafe: false });
  const url = given ?? local!.url;
  const databases: string[] = [];
  const refuse = () => Promise.reject(new Error("the server of POSTGRES_URL is not ours to kill"));
  return {
    isOurs: local !== undefined,
    async createDatabase() {
      const name = `modelfleet_test_${randomUUID().replaceAll("-", "")}`;
      await query(url, `create database ${name}`);
      databases.push(name);
      const own = new URL(url);
      own.pathname = `/${name}`;
      return own.href;
    },
    kill: () => local?.kill() ?? refuse(),
    restart: () => local?.restart() ?? refuse(),
    async stop() {
      if (!local) for (const name of databases) await query(url, `drop database if exists ${name} with (force)`);
      await local?.stop();
    },
  };
}

/** One statement, on a connection of its own. */
export async function query<Row extends QueryResultRow = QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
