import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoppedError } from "../../src/job/errors.ts";
import { createPostgresConnection } from "../../src/results/postgres-connection.ts";
import { migrate } from "../../src/results/postgres-migrate.ts";
import { createPostgresStore } from "../../src/results/postgres-store.ts";
import type { Store } from "../../src/results/store.ts";
import { storeContract } from "../contracts/store-contract.ts";
import { query, startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";
import { answered, collect, failed, stored, trailEntry } from "./sample-results.ts";

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
          [1, 2, 3].map((version) => ({ version })),
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

    it("can be read by a user who may only read", () =>
      withStore(async (store, url, again) => {
        await store.append("b", stored([answered(0)]));
        const name = new URL(url).pathname.slice(1);
        await query(url, `create role ${name} login password 'r'`);
        await query(url, `grant usage on schema modelfleet to ${name}`);
        await query(url, `grant select on all tables in schema modelfleet to ${name}`);
        const reading = new URL(url);
        [reading.username, reading.password] = [name, "r"];
        const reader = again(reading.href);
        expect(await collect(reader.read("b"))).toHaveLength(1);
        expect(await collect(reader.ledger("b"))).toHaveLength(1);
        await expect(reader.append("b", stored([answered(1)], 2))).rejects.toMatchObject({
          hint: expect.stringContaining("needs the right"),
        });
        await reader.stop();
        await query(url, `drop owned by ${name}`);
        await query(url, `drop role ${name}`);
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
        const page = await readFile(new URL("../../docs/store.md", import.meta.url), "utf8");
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
