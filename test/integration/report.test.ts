// `modelfleet report` and `modelfleet export` as commands, over a real run on simulated vendors: what they say is what the vendors counted.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Figures } from "../../src/report/figures.ts";
import { formatUsd } from "../../src/report/format.ts";
import { childEnvironment } from "../../src/runtime/environment.ts";
import { classifyConfig, classifyRows, classifySimulator, toJsonl } from "../support/classify.ts";
import { ofFleet, runCommand } from "../support/command-line.ts";
import { startTestFleet, type TestFleet } from "../support/fleet.ts";

const ROWS = classifyRows(80);

let fleet: TestFleet;
let runReport: string;

beforeAll(async () => {
  fleet = await startTestFleet({
    simulator: classifySimulator(ROWS),
    // Two models share the work.
    config: classifyConfig({
      route: {
        strategy: "weighted",
        models: [
          { model: "alpha/one", weight: 1 },
          { model: "beta/two", weight: 1 },
        ],
      },
    }),
  });
  const file = await fleet.file("in.jsonl", toJsonl(ROWS));
  const { code, stderr } = await run(
    "run",
    file,
    "--task",
    "classify",
    "--batch",
    "first",
    "--tag",
    "team=search",
    "-o",
    join(fleet.dir, "out.jsonl"),
  );
  if (code !== 0) throw new Error(stderr);
  runReport = stderr;
}, 60_000);

afterAll(async () => {
  await fleet?.stop();
});

const run = (...args: string[]) => runCommand([...args, "--config", fleet.config], ofFleet(fleet));

/** What a person types, `$CLI` being modelfleet. */
const EXPORT_PARQUET = "$CLI export first --what ledger --format parquet --config $CONFIG";
const CLI = `${process.execPath} ${resolve(import.meta.dirname, "../../scripts/modelfleet.ts")}`;
const hasTerminals = spawnSync("script", ["--version"]).stdout?.includes("util-linux") ?? false;

async function shell(command: string): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const { cwd, environment } = ofFleet(fleet);
  const env = childEnvironment({ ...environment, CLI, CONFIG: fleet.config, NODE_NO_WARNINGS: "1" });
  const child = spawn("bash", ["-o", "pipefail", "-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "close")) as [number | null];
  const [stdout, stderr] = await said;
  return { code, stdout, stderr };
}

interface ReportJson {
  readonly batches: readonly string[];
  readonly total: Figures;
  readonly groups: readonly (Figures & { readonly group: Readonly<Record<string, string | null>> })[];
}

describe("modelfleet report", () => {
  it("says what the vendors counted, in all and by model", async () => {
    const { code, stdout, stderr } = await run("report", "first", "--by", "model,tag:team", "--baseline", "beta/two", "--json");
    expect(code, stderr).toBe(0);
    const { total, groups, batches } = JSON.parse(stdout) as ReportJson;
    const { total: truth } = fleet.simulator.ledger();
    expect(batches).toEqual(["first"]);
    expect(total).toMatchObject({
      jobs: ROWS.length,
      answered: ROWS.length,
      failed: 0,
      calls: truth.calls,
      costNanoUsd: truth.costNanoUsd,
    });
    expect(total.spent.answers).toEqual({ calls: ROWS.length, costNanoUsd: truth.costNanoUsd });
    expect(groups.map(({ group }) => group)).toEqual(
      expect.arrayContaining([
        { model: "alpha/one", "tag:team": "search" },
        { model: "beta/two", "tag:team": "search" },
      ]),
    );
    expect(groups.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0)).toBe(total.costNanoUsd);
    expect(total.baseline!.costNanoUsd - total.baseline!.savedNanoUsd!).toBe(total.costNanoUsd);
    expect(total.baseline!.savedNanoUsd).toBeGreaterThan(0);
  });

  it("says what the run's own report said", async () => {
    const { stdout } = await run("report", "--by", "batch", "--csv");
    const [{ batch, calls, costNanoUsd } = {}] = parse(stdout, { columns: true }) as Record<string, string>[];
    expect(batch).toBe("first");
    expect(runReport).toMatch(new RegExp(`^ +calls +${calls}`, "m"));
    expect(runReport).toContain(formatUsd(Number(costNanoUsd)));
  });

  it("as text on a terminal, as CSV, and as a page", async () => {
    const page = join(fleet.dir, "report.html");
    const text = await run("report", "--html", page);
    expect(text.code, text.stderr).toBe(0);
    expect(text.stdout).toMatch(/^Report on batch first, \d{4}-/);
    expect(text.stdout).toContain("alpha/one");
    expect(await readFile(page, "utf8")).toContain('<figure id="by-day">');
    const csv = await run("report", "--csv", "--by", "task");
    expect(parse(csv.stdout, { columns: true })).toMatchObject([{ task: "classify", jobs: String(ROWS.length) }]);
  });

  it.each([
    [["report", "frist"], 'there is no batch "frist"', 'Did you mean "first"?'],
    [["report", "--baseline", "beta/tow"], 'no model "beta/tow"', 'Did you mean "beta/two"?'],
    [["report", "--until", "2020-01-01"], "nothing to report: no call and no job of batch first lies until 2020-01-01", "Widen"],
    [["report", "--json", "--csv"], "cannot be used with option", ""],
    [["export", "-o", "calls.xlsx"], "calls.xlsx: a table is written as JSONL, CSV or Parquet", "--format jsonl|csv|parquet"],
    [["export", "frist"], 'there is no batch "frist"', 'Did you mean "first"?'],
    [["export", "--since", "2026-11-31"], '--since: "2026-11-31" is no date', "Write a day"],
  ])("%j is refused with what to do", async (args, problem, hint) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(hint);
    expect(stdout).toBe("");
  });
});

describe("modelfleet export", () => {
  it("writes the ledger as Parquet, whose sums are the vendors'", async () => {
    const path = join(fleet.dir, "calls.parquet");
    const { code, stderr } = await run("export", "first", "--what", "ledger", "-o", path);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("80 calls → ");
    const duck = await (await DuckDBInstance.create(":memory:")).connect();
    const sums = await duck.runAndReadAll(`select count(*)::int as calls, sum(cost_nano_usd)::bigint as cost from '${path}'`);
    const { total: truth } = fleet.simulator.ledger();
    expect(sums.getRowObjectsJson()).toEqual([{ calls: truth.calls, cost: String(truth.costNanoUsd) }]);
    duck.closeSync();
  });

  it.each([
    ["a file", "> calls-of-stdout.parquet"],
    ["a pipe", "| cat > calls-of-stdout.parquet"],
  ])("writes Parquet to standard output where that is %s", async (_what, target) => {
    const { code, stderr } = await shell(`${EXPORT_PARQUET} ${target}`);
    expect(code, stderr).toBe(0);
    const duck = await (await DuckDBInstance.create(":memory:")).connect();
    const path = join(fleet.dir, "calls-of-stdout.parquet");
    const read = await duck.runAndReadAll(`select count(*)::int as calls, sum(cost_nano_usd)::bigint as cost from '${path}'`);
    const { total: truth } = fleet.simulator.ledger();
    expect(read.getRowObjectsJson()).toEqual([{ calls: truth.calls, cost: String(truth.costNanoUsd) }]);
    duck.closeSync();
  });

  it("and not to a terminal: exit code 2", async (test) => {
    if (!hasTerminals) return test.skip("there is no script(1) of util-linux to make a terminal with");
    const { code, stdout } = await shell(`script --quiet --return --command '${EXPORT_PARQUET}' /dev/null`);
    expect(stdout).toContain("Parquet is not for a terminal");
    expect(stdout).toContain("-o calls.parquet");
    expect(code).toBe(2);
  });

  it("of all batches, and of the calls of some days", async () => {
    const counted = async (...args: string[]) => {
      const { code, stdout, stderr } = await run("export", "--what", "ledger", ...args);
      expect(code, stderr).toBe(0);
      return stdout.split("\n").length - 1;
    };
    const today = new Date().toISOString().slice(0, 10);
    const { calls } = fleet.simulator.ledger().total;
    expect(await counted()).toBe(calls);
    expect(await counted("--since", "2020-01-01", "--until", today)).toBe(calls);
    expect(await counted("--until", "2020-01-01")).toBe(0);
    expect(await counted("--until", "2020-01-01", "--format", "csv")).toBe(1);
  });

  it("writes results to standard output as JSONL, and to a file as CSV", async () => {
    const { stdout } = await run("export", "first");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ label, output }) => [label, output])).toEqual(ROWS.map(({ id, label }) => [id, { label }]));
    const path = join(fleet.dir, "results.csv");
    expect((await run("export", "first", "--what", "results", "-o", path)).code).toBe(0);
    expect(parse(await readFile(path, "utf8"), { columns: true })).toHaveLength(ROWS.length);
  });
});
