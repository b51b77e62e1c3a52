// Commands on a PostgreSQL store that keeps them waiting, or doesn't let them write.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPostgresStore } from "../../src/results/postgres/postgres-store.ts";
import { answered, stored } from "../results/sample-results.ts";
import { classifyConfig, classifySimulator } from "../support/classify.ts";
import { ofFleet, runCommand, startCommand } from "../support/command-line.ts";
import { startTestFleet, until, type TestFleet } from "../support/fleet.ts";
import { query, startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";

const missing = await whyNoPostgres();

describe.skipIf(missing !== undefined)(`commands on a PostgreSQL${missing === undefined ? "" : `: ${missing}`}`, () => {
  let fleet: TestFleet;
  let postgres: TestPostgres;
  let url: string;

  beforeAll(async () => {
    postgres = await startTestPostgres();
    url = await postgres.createDatabase();
    const store = createPostgresStore({ url });
    await store.append("b", stored([answered(0), answered(1)]));
    await store.stop();
    fleet = await startTestFleet({
      simulator: classifySimulator([]),
      config: (simulatorUrl) => ({ ...classifyConfig()(simulatorUrl), store: {} }),
    });
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
    await postgres?.stop();
  });

  const optionsFor = (storeUrl: string) => {
    const { cwd, environment } = ofFleet(fleet);
    return { cwd, environment: { ...environment, STORE_URL: storeUrl } };
  };

  it.each([
    ["export", "SIGINT", ["export", "b", "--what", "ledger", "-o", "calls.parquet"], "interrupted: calls.parquet was not written"],
    ["export", "SIGTERM", ["export", "b", "--what", "ledger", "-o", "calls.csv"], "interrupted: calls.csv was not written"],
    ["results", "SIGINT", ["results", "b", "-o", "answers.jsonl"], "interrupted: answers.jsonl was not written"],
    ["results", "SIGTERM", ["results", "b"], "interrupted: what was written is not the whole output"],
    ["report", "SIGINT", ["report", "b"], "interrupted: the report is not complete"],
    ["report", "SIGTERM", ["report", "b", "--html", "report.html"], "interrupted: the report is not complete"],
  ] as const)("%s ends at once on %s, says so in one line and leaves no file behind", async (_command, signal, args, said) => {
    const holder = new Client({ connectionString: url });
    await holder.connect();
    try {
      await holder.query("begin");
      await holder.query("lock table modelfleet.ledger, modelfleet.results in access exclusive mode");
      const { child, result } = startCommand([...args, "--config", fleet.config], optionsFor(url));
      await until("a command that waits for the ledger", async () => {
        const waiting = await query(url, "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()");
        return waiting.length > 0;
      });
      child.kill(signal);
      const { code, stdout, stderr } = await result;
      expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: `${said}\n` });
    } finally {
      await holder.end();
    }
    expect((await readdir(fleet.dir)).filter((name) => !name.startsWith("fleet."))).toEqual([]);
  });

  it.each(["export", "results"])("an interrupted %s removes what it has written so far", async (command) => {
    const path = join(fleet.dir, "results.jsonl");
    const holder = new Client({ connectionString: url });
    await holder.connect();
    try {
      await holder.query("begin");
      await holder.query("lock table modelfleet.results in access exclusive mode");
      const { child, result } = startCommand([command, "b", "-o", path, "--config", fleet.config], optionsFor(url));
      const isDraft = (name: string) => name.endsWith(".part");
      await until("a draft", async () => (await readdir(fleet.dir)).some(isDraft));
      child.kill("SIGTERM");
      expect((await result).code).toBe(130);
      expect((await readdir(fleet.dir)).filter((name) => isDraft(name) || name === "results.jsonl")).toEqual([]);
    } finally {
      await holder.end();
    }
  });

  it("a recorder whose user may only read ends at its start, with what to grant", async () => {
    await query(url, "create role onlooker login password 'r'");
    try {
      await query(url, "grant usage on schema modelfleet to onlooker; grant select on all tables in schema modelfleet to onlooker");
      const own = new URL(url);
      [own.username, own.password] = ["onlooker", "r"];
      const { code, stderr } = await runCommand(["recorder", "--config", fleet.config], optionsFor(own.href));
      expect(stderr).toMatch(
        /^modelfleet: the user onlooker may not write to the store at .*\n {2}As an administrator: grant .* to onlooker;/m,
      );
      expect(stderr).not.toContain("running");
      expect(code).toBe(1);
    } finally {
      await query(url, "drop owned by onlooker");
      await query(url, "drop role onlooker");
    }
  });
});
