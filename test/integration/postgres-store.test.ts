// A fleet whose results lie in a PostgreSQL, by commands.

import { afterEach, expect, it } from "vitest";
import { createPostgresStore } from "../../src/results/postgres/postgres-store.ts";
import { collect } from "../results/sample-results.ts";
import { expectEveryRowOnce } from "../support/assert-complete.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { ofFleet, runCommand } from "../support/command-line.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";
import { query, startTestPostgres, whyNoPostgres, type TestPostgres } from "../support/postgres.ts";

const ROWS = classifyRows(60);
const missing = await whyNoPostgres();
let fleet: TestFleet | undefined;
let postgres: TestPostgres | undefined;

afterEach(async () => {
  await fleet?.stop();
  await postgres?.stop();
  fleet = postgres = undefined;
});

it(
  "a batch is run, read, queried and refused another store, with STORE_URL alone; its password is shown nowhere",
  { timeout: 90_000 },
  async (test) => {
    if (missing !== undefined) return test.skip(missing);
    postgres = await startTestPostgres();
    const url = await postgres.createDatabase();
    fleet = await startTestFleet({
      simulator: classifySimulator(ROWS, {}),
      config: (simulatorUrl) => ({ ...classifyConfig({})(simulatorUrl), store: {} }),
      environment: { STORE_URL: url },
    });
    const file = await fleet.file("in.jsonl", toJsonl(ROWS));
    const said: string[] = [];
    const run = async (args: readonly string[], environment: Readonly<Record<string, string>> = { STORE_URL: url }) => {
      const own = ofFleet(fleet!);
      const result = await runCommand([...args, "--config", fleet!.config], {
        ...own,
        environment: { ...own.environment, ...environment },
      });
      said.push(result.stdout, result.stderr);
      return result;
    };

    const before = await run(["check", "--json"]);
    expect(before.code, before.stderr).toBe(0);
    expect(JSON.parse(before.stdout)).toMatchObject({
      ok: true,
      findings: expect.arrayContaining([{ what: "store", ok: true, detail: expect.stringMatching(/^PostgreSQL \d+\..* no tables yet/) }]),
    });
    const ran = await run(["run", file, "--task", "classify", "--batch", "b"]);
    expect(ran.code, ran.stderr).toBe(0);
    expectEveryRowOnce(jsonLines(ran.stdout), ROWS.length);
    const results = await run(["results", "b"]);
    expectEveryRowOnce(jsonLines(results.stdout), ROWS.length);
    expect(await query(url, "select count(*)::integer as rows from modelfleet.results where output ->> 'label' is not null")).toEqual([
      { rows: ROWS.length },
    ]);
    const store = createPostgresStore({ url });
    expect(await collect(store.ledger("b"))).toHaveLength(fleet.simulator.ledger().total.calls);
    await store.stop();
    expect((await run(["check"])).stderr).toMatch(/ok +store: PostgreSQL \d.* tables at version 4 of 4/);

    const elsewhere = await run(["recorder"], { STORE_URL: "" });
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.stderr).toContain("belong to another store than");
    await postgres.kill().catch(() => undefined);
    const away = await run(["check"]);
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(/FAILED +store: .*can't be used/);
    expect(said.join("\n")).not.toContain(new URL(url).password);
  },
);

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
