import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoppedError } from "../../../src/job/errors.ts";
import type { TrailEntry } from "../../../src/job/trail.ts";
import { createPostgresConnection } from "../../../src/results/postgres/postgres-connection.ts";
import { migrate } from "../../../src/results/postgres/postgres-migrate.ts";
import { batchesMigration } from "../../../src/results/postgres/migrations/0001-batches.ts";
import { resultsMigration } from "../../../src/results/postgres/migrations/0002-results.ts";
import { ledgerMigration } from "../../../src/results/postgres/migrations/0003-ledger.ts";
import { createPostgresStore } from "../../../src/results/postgres/postgres-store.ts";
import type { Store } from "../../../src/results/store.ts";
import { storeContract } from "../../contracts/store-contract.ts";
import { query, startTestPostgres, whyNoPostgres, type TestPostgres } from "../../support/postgres.ts";
import { answered, collect, failed, stored, trailEntry } from "../sample-results.ts";

const missing = await whyNoPostgres();

describe.skipIf(missing)(missing ?? "with a PostgreSQL", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());

  storeContract("PostgreSQL", async () => {
    const url = await postgres.createDatabase();
    return { open: () => createPostgresStore({ url }), remove: async () => {} };
  });

  /** A store on a new database; `again` opens another on the same one. All are stopped in the end. */
  const withStore = async (work: (store: Store, url: string, again: (url?: string) => Store) => Promise<void>) => {
    const url = await postgres.createDatabase();
    const opened: Store[] = [];
    const open = (other = url) => {
      const store = createPostgresStore({ url: other });
      opened.push(store);
      return store;
    };
    try {
      await work(open(), url, open);
    } finally {
      await Promise.all(opened.map((store) => store.stop()));
    }
  };

  describe("the PostgreSQL store's tables", () => {
    it("are made once, however many processes come first at the same time", () =>
      withStore(async (_, url, again) => {
        await Promise.all(Array.from({ length: 6 }, (_each, i) => again().append(`b${i}`, stored([answered(i)]))));
        expect(await query(url, "select version from modelfleet.migrations order by version")).toEqual(
          [1, 2, 3, 4].map((version) => ({ version })),
        );
        expect(await again().batches()).toHaveLength(6);
      }));

    it("are brought up to date with what is in them, and a failed migration leaves nothing behind", async () => {
      const url = await postgres.createDatabase();
      const connection = createPostgresConnection(url);
      const first = {
        version: 1,
        name: "first",
        sql: "create table modelfleet.things (id integer); insert into modelfleet.things values (7)",
      };
      const second = { version: 2, name: "second", sql: "alter table modelfleet.things add column name text not null default 'x'" };
      const broken = { version: 2, name: "broken", sql: "create table modelfleet.others (id integer); select 1 / 0" };
      try {
        await migrate(connection, [first]);
        await expect(migrate(connection, [first, broken])).rejects.toThrow(StoppedError);
        expect(await query(url, "select to_regclass('modelfleet.others') as found")).toEqual([{ found: null }]);
        await migrate(connection, [first, second]);
        await migrate(connection, [first, second]);
        expect(await query(url, "select * from modelfleet.things")).toEqual([{ id: 7, name: "x" }]);
      } finally {
        await connection.stop();
      }
    });

    it("are made however long that takes, also by those that wait for another to have made them", async () => {
      const url = await postgres.createDatabase();
      const connections = [1, 2].map(() => createPostgresConnection(url, { queryTimeoutMs: 200 }));
      const long = { version: 1, name: "long", sql: "create table modelfleet.things (id integer); select pg_sleep(1)" };
      try {
        await expect(connections[0]!.query("select pg_sleep(1)")).rejects.toThrow("timeout");
        await Promise.all(connections.map((connection) => migrate(connection, [long])));
        expect(await query(url, "select name from modelfleet.migrations")).toEqual([{ name: "long" }]);
        await expect(connections[0]!.transaction((within) => within("select pg_sleep(1)"))).rejects.toThrow("timeout");
      } finally {
        await Promise.all(connections.map((connection) => connection.stop()));
      }
    });

    it("know of calls that were booked before estimates were marked which of them are", async () => {
      const url = await postgres.createDatabase();
      const connection = createPostgresConnection(url);
      await migrate(connection, [batchesMigration, resultsMigration, ledgerMigration]);
      const insert = `insert into modelfleet.ledger (batch, row, call, at, task, provider, model, attempt, purpose, outcome, is_duplicate, latency_ms,
        input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano_usd)
        select 'b', row, 'c', now(), 't', 'acme', 'acme/small', 1, 'answer', outcome, false, 1, 1, 0, 0, 1, 0, 5
        from (values (0, 'answered'), (1, 'uncertain')) as calls (row, outcome)`;
      await query(url, insert);
      await connection.stop();
      const store = createPostgresStore({ url });
      await store.append("b", stored([answered(2)]));
      const entries = await collect(store.ledger("b"));
      await store.stop();
      expect(entries.map(({ row, isEstimated }) => [row, isEstimated])).toEqual([
        [0, false],
        [1, true],
        [2, false],
      ]);
    });

    it("of a newer modelfleet are left alone, with a message that says so", () =>
      withStore(async (store, url, again) => {
        await store.identity();
        await query(url, "insert into modelfleet.migrations (version, name) values (99, 'to come')");
        await expect(again().append("b", stored([answered(0)]))).rejects.toMatchObject({
          name: "StoppedError",
          message: expect.stringContaining("newer modelfleet (version 99"),
          hint: expect.stringContaining("Upgrade"),
        });
      }));

    /** A user of the database with no rights but those that everybody has. */
    const withUser = async (url: string, work: (name: string, userUrl: string) => Promise<void>) => {
      const name = `${new URL(url).pathname.slice(1)}-user`;
      await query(url, `create role "${name}" login password 'r'`);
      const own = new URL(url);
      [own.username, own.password] = [name, "r"];
      await work(`"${name}"`, own.href).finally(async () => {
        await query(url, `drop owned by "${name}" cascade`);
        await query(url, `drop role "${name}"`);
      });
    };
    /** The SQL that a refusal says would help. */
    const grantOf = async (store: Store) => {
      const refusal = await store.probe().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(StoppedError);
      expect((refusal as Error).message).toContain(store.place);
      return (refusal as StoppedError).hint!.replace("As an administrator: ", "");
    };

    it("can be read by a user who may only read; the store itself needs more, and its check says what to grant", () =>
      withStore(async (store, url, again) => {
        await store.append("b", stored([answered(0)]));
        await withUser(url, async (name, userUrl) => {
          const nobody = again(userUrl);
          expect(await grantOf(nobody)).toContain(`to ${name}`);
          await query(url, `grant usage on schema modelfleet to ${name}; grant select on all tables in schema modelfleet to ${name}`);
          const reader = again(userUrl);
          expect(await collect(reader.read("b"))).toHaveLength(1);
          expect(await collect(reader.ledger("b"))).toHaveLength(1);
          await expect(reader.append("b", stored([answered(1)], 2))).rejects.toMatchObject({
            hint: expect.stringContaining("needs the right"),
          });
          await expect(reader.probe()).rejects.toThrow(/may not write to the store at/);
          await query(url, await grantOf(reader));
          expect(await reader.probe()).toContain("tables at version");
          await reader.append("b", stored([answered(1)], 2));
          expect(await collect(reader.ledger("b"))).toHaveLength(2);
          await Promise.all([reader.stop(), nobody.stop()]);
        });
      }));

    it("are made in a schema that an administrator has made, by a user who may make none", () =>
      withStore(async (_, url, again) =>
        withUser(url, async (name, userUrl) => {
          const own = again(userUrl);
          const grants = await grantOf(own);
          expect(grants).toMatch(/^create schema modelfleet authorization "[^"]+"; or grant create on database/);
          await query(url, grants.split("; or ")[0]!);
          expect(await own.probe()).toContain("no tables yet");
          await own.append("b", stored([answered(0)]));
          expect(await own.batches()).toEqual(["b"]);
          await own.stop();
          await query(url, "drop schema modelfleet cascade; create schema modelfleet");
          const other = again(userUrl);
          await query(url, await grantOf(other));
          await other.append("b", stored([answered(0)]));
          await other.stop();
          expect(name).not.toBe("");
        }),
      ));

    it("are reached through a pooler that refuses what a connection brings", () =>
      withStore(async (_, url, again) => {
        const { pooler, poolerUrl, refused } = await startPooler(url);
        const store = again(poolerUrl);
        await store.append("b", stored([answered(0)]));
        expect(await collect(store.read("b"))).toHaveLength(1);
        expect(refused).toEqual([]);
        const picky = new URL(poolerUrl);
        picky.searchParams.set("options", "-c work_mem=4MB");
        const other = again(picky.href);
        await expect(other.identity()).rejects.toMatchObject({ hint: expect.stringContaining("ignore_startup_parameters") });
        expect(new Set(refused)).toEqual(new Set(["options"]));
        await Promise.all([store.stop(), other.stop()]);
        pooler.close();
      }));

    it("are not held for ever by a process that was halted in the middle of a transaction", async () => {
      const connection = createPostgresConnection(await postgres.createDatabase());
      const shown = await connection.transaction((within) =>
        within<{ idle_in_transaction_session_timeout: string }>("show idle_in_transaction_session_timeout"),
      );
      expect(shown).toEqual([{ idle_in_transaction_session_timeout: "1min" }]);
      await connection.stop();
    });

    it("take figures, times and texts that can't be, and the other columns with them", () =>
      withStore(async (store, url) => {
        const usage = { inputTokens: 1e20, cachedInputTokens: NaN, cacheWriteTokens: -1e30, outputTokens: 1.5, reasoningTokens: Infinity };
        const call = (n: number, changes: Partial<TrailEntry>) => trailEntry({ call: `b.0.0.0.${n}`, ...changes });
        const times = [1.7e15, NaN, undefined as never, "yesterday" as never, 1_700_000_000_000.5, -1e300];
        const results = times.map((enqueuedAt, row) =>
          answered(row, {
            enqueuedAt,
            finishedAt: enqueuedAt,
            tenant: "t\0",
            id: (row === 0 ? 17 : null) as never,
            trail: [
              call(1, { usage, costNanoUsd: 2e23, startedAt: enqueuedAt, latencyMs: NaN }),
              call(2, { costNanoUsd: 1e19, latencyMs: Infinity }),
              call(3, { costNanoUsd: null as never }),
            ],
          }),
        );
        await store.append("b", stored(results));
        expect((await collect(store.read("b"))).map(({ row }) => row)).toEqual([0, 1, 2, 3, 4, 5]);
        const [first] = await query(
          url,
          "select label, tenant, cost_nano_usd, to_char(enqueued_at at time zone 'utc', 'YYYY-MM-DD') as day from modelfleet.results order by row",
        );
        expect(first).toEqual({ label: "17", tenant: "t\uFFFD", cost_nano_usd: String(Number.MAX_SAFE_INTEGER), day: "9999-12-31" });
        const ledger = await collect(store.ledger("b"));
        expect(ledger).toHaveLength(18);
        const most = Number.MAX_SAFE_INTEGER;
        expect(ledger[0]).toMatchObject({
          latencyMs: 0,
          costNanoUsd: most,
          usage: { inputTokens: most, cachedInputTokens: 0, cacheWriteTokens: -most, outputTokens: 2, reasoningTokens: most },
        });
        expect(ledger.slice(0, 3).map(({ costNanoUsd }) => costNanoUsd)).toEqual([most, most, 0]);
        expect(ledger.filter(({ at }) => !Number.isSafeInteger(at))).toEqual([]);
      }));

    it("keep a batch of which the books alone are left", () =>
      withStore(async (store, url) => {
        for (const batch of ["A", "a-1", "b", "c"]) await store.append(batch, stored([answered(0, { batch }), answered(1, { batch })]));
        const page = await readFile(new URL("../../../docs/store.md", import.meta.url), "utf8");
        const [, retention = ""] = /```sql\n(begin;[\s\S]*?)```/.exec(page) ?? [];
        await query(url, "update modelfleet.batches set updated_at = now() - interval '91 days' where batch in ('A', 'b')");
        await query(url, retention);
        expect(await collect(store.read("b"))).toEqual([]);
        expect(await collect(store.ledger("b"))).toHaveLength(2);
        expect(await store.batches()).toEqual(["A", "a-1", "b", "c"]);
        expect(await store.lastStreamId("b")).toBeUndefined();
        await query(url, "delete from modelfleet.ledger where batch in ('A', 'b', 'c')");
        expect(await store.batches()).toEqual(["a-1", "c"]);
      }));

    it("hold what a query may ask for, money in nano-dollars", () =>
      withStore(async (store, url) => {
        const trail = [trailEntry({ call: "b.0.0.0.1", costNanoUsd: 2 ** 40 }), trailEntry({ call: "b.0.0.0.2", costNanoUsd: 1 })];
        const answer = { text: '{"label":"billing"}', json: { label: "billing" }, finish: { unified: "stop", raw: "stop" } } as const;
        await store.append(
          "b",
          stored([answered(0, { id: "T-1", line: 3, tags: { team: "x" }, tenant: "acme", answer, trail }), failed(1)]),
        );
        const [first, second] = await query(url, "select *, output ->> 'label' as answer from modelfleet.results order by row");
        expect(first).toMatchObject({
          batch: "b",
          status: "answered",
          model: "acme/small",
          answer: "billing",
          label: "T-1",
          line: "3",
          tags: { team: "x" },
          tenant: "acme",
          calls: 2,
          cost_nano_usd: String(2 ** 40 + 1),
          finished_at: new Date(2_000),
          error_code: null,
        });
        expect(second).toMatchObject({
          status: "error",
          model: null,
          output: null,
          error_code: "exhausted",
          error_message: "every model was tried",
        });
        expect(await query(url, "select sum(cost_nano_usd)::text as sum from modelfleet.ledger")).toEqual([{ sum: String(2 ** 40 + 1) }]);
      }));

    it("answer the queries of docs/store.md", () =>
      withStore(async (store, url) => {
        await store.append("b", stored([answered(0), failed(1, { trail: [trailEntry({ call: "b.1.0.0.1" })] })]));
        const page = await readFile(new URL("../../../docs/store.md", import.meta.url), "utf8");
        const queries = Array.from(page.matchAll(/```sql\n([\s\S]*?)```/g), ([, text = ""]) => text);
        expect(queries.length).toBeGreaterThanOrEqual(6);
        for (const text of queries) await query(url, text.replaceAll("BATCH", "b"));
      }));
  });

  describe("recorders side by side", () => {
    it("that write the same entries at once write each once", () =>
      withStore(async (store, _url, again) => {
        const entries = stored(
          Array.from({ length: 600 }, (_each, row) => answered(row, { trail: [trailEntry({ call: `b.${row}.0.0.1` })] })),
        );
        const [first, second] = [again(), again()];
        const write = async (each: Store, rows: number) => {
          for (let at = 0; at < entries.length; at += rows) await each.append("b", entries.slice(at, at + rows));
        };
        await Promise.all([write(first, 7), write(second, 13)]);
        expect((await collect(store.read("b"))).map((result) => result.row)).toEqual(entries.map((_entry, row) => row));
        expect(await collect(store.ledger("b"))).toHaveLength(600);
        expect(await store.lastStreamId("b")).toBe("600-0");
      }));
  });

  describe("reading", () => {
    it("goes on over pages, those of many rows and those of long ones", () =>
      withStore(async (store) => {
        const rows = Array.from({ length: 4_500 }, (_each, row) => answered(row, { trail: [trailEntry({ call: `many.${row}` })] }));
        await store.append("many", stored(rows));
        expect((await collect(store.read("many"))).map(({ row }) => row)).toEqual(rows.map(({ row }) => row));
        expect(new Set((await collect(store.ledger("many"))).map((entry) => entry.call)).size).toBe(4_500);
        const text = "long ".repeat(1_200_000);
        const long = Array.from({ length: 4 }, (_each, row) => answered(row, { answer: { text, finish: { unified: "stop", raw: null } } }));
        await store.append("long", stored(long));
        const lengths = (await collect(store.read("long"))).map((result) => result.status === "answered" && result.answer.text.length);
        expect(lengths).toEqual([1, 2, 3, 4].map(() => text.length));
      }));
  });

  describe("when the server goes away", () => {
    it("a write fails with what to do and without the password, and is repeated when the server is back", async (test) => {
      if (!postgres.isOurs) return test.skip("needs a PostgreSQL that it may kill");
      await withStore(async (store, url) => {
        await store.append("b", stored([answered(0)]));
        await postgres.kill();
        const failure = await store.append("b", stored([answered(0), answered(1)])).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(StoppedError);
        expect(failure).toMatchObject({ hint: expect.stringContaining("waits in Redis") });
        const { password } = new URL(url);
        expect(JSON.stringify([failure, (failure as Error).message, (failure as Error).stack])).not.toContain(password);
        await postgres.restart();
        await store.append("b", stored([answered(0), answered(1)]));
        expect((await collect(store.read("b"))).map(({ row }) => row)).toEqual([0, 1]);
      });
    });

    it("in the middle of writes that are repeated until they succeed, every row and every call is there once", async (test) => {
      if (!postgres.isOurs) return test.skip("needs a PostgreSQL that it may kill");
      await withStore(async (store, _url, again) => {
        const entries = stored(
          Array.from({ length: 3_000 }, (_each, row) => answered(row, { trail: [trailEntry({ call: `b.${row}.0.0.1` })] })),
        );
        let refused = 0;
        const write = async (each: Store) => {
          for (let at = 0; at < entries.length;) {
            const wasWritten = await each.append("b", entries.slice(at, at + 20)).then(
              () => true,
              () => false,
            );
            if (wasWritten) at += 20;
            else refused++;
          }
        };
        const written = async () => Number((await store.lastStreamId("b").catch(() => undefined))?.split("-")[0] ?? 0);
        const disturb = async () => {
          for (const from of [200, 800, 1_400]) {
            await expect.poll(written, { interval: 5, timeout: 10_000 }).toBeGreaterThan(from);
            await postgres.kill();
            await postgres.restart();
          }
        };
        await Promise.all([write(store), write(again()), disturb()]);
        expect(refused).toBeGreaterThan(0);
        expect((await collect(store.read("b"))).map(({ row }) => row)).toEqual(entries.map((_entry, row) => row));
        expect(await collect(store.ledger("b"))).toHaveLength(3_000);
      });
    });
  });

  describe("an address that leads nowhere", () => {
    const failureOf = async (change: (url: URL) => void) => {
      const url = new URL(await postgres.createDatabase());
      change(url);
      const store = createPostgresStore({ url: url.href });
      const failure: unknown = await store.identity().catch((error: unknown) => error);
      expect(String(failure)).not.toContain(url.password);
      await expect(store.probe()).rejects.toThrow(StoppedError);
      await store.stop();
      return failure;
    };

    it("is told apart: a wrong password, a database that isn't there, no server", async () => {
      expect(await failureOf((url) => (url.password = "wrong-secret"))).toMatchObject({ hint: expect.stringContaining("the password") });
      expect(await failureOf((url) => (url.pathname = "/nowhere"))).toMatchObject({ hint: expect.stringContaining("Make the database") });
      expect(await failureOf((url) => (url.port = "1"))).toMatchObject({ hint: expect.stringContaining("Is it running") });
    });
  });
});

/** As PgBouncer is out of the box: a connection that brings a parameter that it doesn't follow is refused. `refused`: their names. */
async function startPooler(url: string) {
  const followed = new Set([
    "user",
    "database",
    "application_name",
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "standard_conforming_strings",
  ]);
  const { hostname, port } = new URL(url);
  const refused: string[] = [];
  const pooler = createServer((client) => {
    client.on("error", () => client.destroy());
    client.once("data", (startup) => {
      const words = startup.subarray(8).toString().split("\0");
      const names = words.filter((name, i) => i % 2 === 0 && name !== "");
      const unknown = names.filter((name) => !followed.has(name));
      refused.push(...unknown);
      if (unknown.length > 0) {
        const fields = Buffer.from(`SFATAL\0C08P01\0Munsupported startup parameter: ${unknown[0]}\0\0`);
        const head = Buffer.from("E\0\0\0\0");
        head.writeInt32BE(fields.length + 4, 1);
        client.end(Buffer.concat([head, fields]));
        return;
      }
      const server = connect(Number(port), hostname, () => server.write(startup));
      server.on("error", () => client.destroy());
      client.pipe(server).pipe(client);
    });
  });
  pooler.listen(0, "127.0.0.1");
  await once(pooler, "listening");
  const poolerUrl = new URL(url);
  [poolerUrl.hostname, poolerUrl.port] = ["127.0.0.1", String((pooler.address() as AddressInfo).port)];
  return { pooler, poolerUrl: poolerUrl.href, refused };
}

it("an address that is none is wrong usage, and is not repeated", () => {
  for (const url of [
    "mysql://u:secret@h/d",
    "postgres://u:12#secret@h/d",
    "postgres://u:12?secret@h/d",
    "postgres://u:12/secret@h/d",
    "secret",
  ]) {
    const open = () => createPostgresStore({ url });
    expect(open).toThrow(/^the store's address (is|must be)/);
    expect(open).not.toThrow(/secret/);
  }
});
