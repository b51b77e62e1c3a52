// Tables for other programs, read back by others: Parquet by DuckDB, CSV by csv-parse.

import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ledgerEntries, type LedgerEntry } from "../../src/job/ledger.ts";
import type { Result } from "../../src/job/result.ts";
import { NO_USAGE } from "../../src/job/usage.ts";
import { LEDGER_TABLE } from "../../src/report/export/ledger-table.ts";
import { RESULTS_TABLE } from "../../src/report/export/results-table.ts";
import { writeParquet } from "../../src/report/export/table-parquet.ts";
import { tableText } from "../../src/report/export/table-text.ts";
import type { TableColumn } from "../../src/report/export/table.ts";
import { LEDGER_COLUMNS, RESULT_COLUMNS } from "../../src/results/postgres/postgres-columns.ts";
import { answered, collect, failed, streamOf, trailEntry } from "../results/sample-results.ts";
import { sampleSpending } from "./sample-spending.ts";

const PRICE = {
  input: 1_250_000,
  cachedInput: 125_000,
  cacheWrite: 1_250_000,
  output: 10_000_000,
  tiers: [{ aboveInputTokens: 9, input: 2, cachedInput: 2, cacheWrite: 2, output: 3 }],
};
const AT = Date.parse("2026-11-23T10:11:12.345Z");

/** What formats get wrong: text of all kinds, the largest numbers, nothing where something could be. */
const RESULTS: readonly Result[] = [
  answered(0, {
    id: 'é, "quoted" \u2028 \ud83d\ude00',
    line: 7,
    tags: { team: "a,b", odd: "line\nbreak" },
    tenant: "north",
    finishedAt: AT,
    answer: { text: "{}", json: { label: "x", deep: [1, null, "y"] }, finish: { unified: "stop", raw: "stop" } },
    trail: [
      trailEntry({
        costNanoUsd: Number.MAX_SAFE_INTEGER,
        price: PRICE,
        startedAt: AT,
        usage: { ...NO_USAGE, inputTokens: 2 ** 40, outputTokens: 3 },
      }),
    ],
  }),
  answered(1, {
    answer: { text: "plain\r\ntext", finish: { unified: "stop", raw: null } },
    trail: [trailEntry({ latencyMs: 0.5, outcome: "unfit" }), trailEntry({ call: "b.1.0.0.2" })],
  }),
  failed(2 ** 27 - 1, { error: { code: "refused", message: "" } }),
];
const ENTRIES = RESULTS.flatMap((result, i) => ledgerEntries(result, i === 1));

let folder: string;
let duck: DuckDBConnection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelfleet-table-"));
  duck = await (await DuckDBInstance.create(":memory:")).connect();
});
afterAll(async () => {
  duck.closeSync();
  await rm(folder, { recursive: true });
});

async function parquetFile<Item>(columns: readonly TableColumn<Item>[], items: AsyncIterable<Item>, name: string): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, "w");
  await writeParquet(columns, items, async (bytes) => {
    await file.writeFile(bytes);
  });
  await file.close();
  return path;
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  return (await duck.runAndReadAll(sql)).getRowObjectsJson();
}

describe("a table as Parquet, read by DuckDB", () => {
  it("has the ledger's every value, money and tokens as whole numbers of 64 bits, times in UTC", async () => {
    const path = await parquetFile(LEDGER_TABLE, streamOf(ENTRIES), "calls.parquet");
    const types = await query(`select column_name, column_type from (describe select * from '${path}')`);
    expect(Object.fromEntries(types.map((each) => [each["column_name"], each["column_type"]]))).toMatchObject({
      cost_nano_usd: "BIGINT",
      input_tokens: "BIGINT",
      at: "TIMESTAMP WITH TIME ZONE",
      row: "INTEGER",
      latency_ms: "DOUBLE",
      is_duplicate: "BOOLEAN",
      tags: "JSON",
      model: "VARCHAR",
    });
    const rows = await query(`select *, epoch_ms("at") as ms from '${path}'`);
    expect(rows.map(({ tags, price, at: _at, ...row }) => ({ ...row, tags: fromJson(tags), price: fromJson(price) }))).toEqual(
      ENTRIES.map(asRead),
    );
  });

  it("has the results' answers as JSON, and nulls where there is nothing", async () => {
    const path = await parquetFile(RESULTS_TABLE, streamOf(RESULTS), "results.parquet");
    const rows = await query(`select * exclude (enqueued_at, finished_at), epoch_ms(finished_at) as finished from '${path}'`);
    expect(rows[0]).toMatchObject({
      row: 0,
      label: RESULTS[0]!.id,
      line: "7",
      tenant: "north",
      error_code: null,
      finished: String(AT),
      cost_nano_usd: String(Number.MAX_SAFE_INTEGER),
    });
    expect(rows.map(({ output }) => fromJson(output))).toEqual([{ label: "x", deep: [1, null, "y"] }, "plain\r\ntext", null]);
    expect(rows[2]).toMatchObject({
      row: 2 ** 27 - 1,
      status: "error",
      model: null,
      output: null,
      error_code: "refused",
      error_message: "",
      tags: null,
      latency_ms: null,
      calls: 0,
    });
  });

  it("can be read whatever the texts hold: half a surrogate pair, NUL, in answers, fields and tags", async () => {
    const odd = "a\0b\ud800c \ud83d\ude00";
    const rows = [
      answered(0, { id: odd, tags: { [odd]: odd }, answer: { text: odd, finish: { unified: "stop", raw: null } } }),
      answered(1, { answer: { text: "", json: { [odd]: [odd] }, finish: { unified: "stop", raw: null } } }),
      failed(2, { error: { code: "refused", message: odd } }),
    ];
    const sound = "a\uFFFDb\uFFFDc \ud83d\ude00";
    const path = await parquetFile(RESULTS_TABLE, streamOf(rows), "odd.parquet");
    const read = await query(`select label, tags, output, error_message from '${path}'`);
    expect(read.map(({ tags, output, ...row }) => ({ ...row, tags: fromJson(tags), output: fromJson(output) }))).toEqual([
      { label: sound, error_message: null, tags: { [sound]: sound }, output: sound },
      { label: null, error_message: null, tags: null, output: { [sound]: [sound] } },
      { label: null, error_message: sound, tags: null, output: null },
    ]);
    const lines = join(folder, "odd.jsonl");
    await writeFile(lines, await collect(tableText(RESULTS_TABLE, streamOf(rows), "jsonl")));
    expect(await query(`select label, error_message from '${lines}' order by row`)).toEqual(
      read.map(({ label, error_message }) => ({ label, error_message })),
    );
    const [first] = parse((await collect(tableText(RESULTS_TABLE, streamOf(rows), "csv"))).join(""), { columns: true }) as [object];
    expect(first).toMatchObject({ label: sound, output: sound });
  });

  it("tells an answer that is null in JSON from no answer", async () => {
    const rows = [answered(0, { answer: { text: "```json\nnull\n```", json: null, finish: { unified: "stop", raw: null } } }), failed(1)];
    const path = await parquetFile(RESULTS_TABLE, streamOf(rows), "null.parquet");
    expect(await query(`select output is null as missing, json_type(output) as type from '${path}'`)).toEqual([
      { missing: false, type: "NULL" },
      { missing: true, type: null },
    ]);
    const [line = "", other = ""] = (await collect(tableText(RESULTS_TABLE, streamOf(rows), "jsonl"))).join("").split("\n");
    expect(line).toContain('"output":null');
    expect(other).not.toContain('"output"');
    expect(parse((await collect(tableText(RESULTS_TABLE, streamOf(rows), "csv"))).join(""), { columns: true })).toMatchObject([
      { output: "null" },
      { output: "" },
    ]);
  });

  it("has whole numbers where a store has what isn't: times between milliseconds, tokens beyond 64 bits", async () => {
    const usage = { ...NO_USAGE, inputTokens: 1e20 };
    const rows = [answered(0, { enqueuedAt: AT + 0.4, finishedAt: AT + 0.6, trail: [trailEntry({ usage })] })];
    const path = await parquetFile(RESULTS_TABLE, streamOf(rows), "fraction.parquet");
    const [row] = await query(
      `select epoch_ms(enqueued_at) as began, epoch_ms(finished_at) as ended, input_tokens as tokens from '${path}'`,
    );
    expect(row).toEqual({ began: String(AT), ended: String(AT + 1), tokens: String(Number.MAX_SAFE_INTEGER) });
  });

  it("adds up to what the trails hold, over several row groups", async () => {
    const { results } = sampleSpending({ jobs: 30_000, days: 3, startAt: AT, batch: "b", task: "t" });
    const entries = results.flatMap((result) => ledgerEntries(result, false));
    const path = await parquetFile(LEDGER_TABLE, streamOf(entries), "many.parquet");
    const [sums] = await query(
      `select count(*) as calls, count(distinct call) as ids, sum(cost_nano_usd)::bigint as cost, sum(output_tokens)::bigint as tokens from '${path}'`,
    );
    expect(sums).toEqual({
      calls: String(entries.length),
      ids: String(entries.length),
      cost: String(entries.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0)),
      tokens: String(entries.reduce((sum, { usage }) => sum + usage.outputTokens, 0)),
    });
    expect(await query(`select num_row_groups::int as groups from parquet_file_metadata('${path}')`)).toEqual([
      { groups: Math.ceil(entries.length / 20_000) },
    ]);
  });

  it("ends a row group early where answers are long", async () => {
    async function* long(): AsyncGenerator<Result> {
      for (let row = 0; row < 60; row++)
        yield answered(row, { answer: { text: String(row).repeat(500_000), finish: { unified: "stop", raw: null } } });
    }
    const path = await parquetFile(RESULTS_TABLE, long(), "long.parquet");
    const [{ groups } = {}] = await query(`select num_row_groups::int as groups from parquet_file_metadata('${path}')`);
    expect(groups).toBeGreaterThan(1);
    expect(await query(`select count(*)::int as rows, sum(length(output))::int as letters from '${path}'`)).toEqual([
      { rows: 60, letters: 500_000 * (10 + 2 * 50) + 2 * 60 },
    ]);
  });

  it("is a whole file without rows", async () => {
    const path = await parquetFile(LEDGER_TABLE, streamOf<LedgerEntry>([]), "empty.parquet");
    expect(await query(`select count(*)::int as rows, sum(cost_nano_usd) as cost from '${path}'`)).toEqual([{ rows: 0, cost: null }]);
  });
});

describe("a table as text", () => {
  it("as JSONL leaves out what isn't there, and keeps JSON as it is", async () => {
    const lines = (await collect(tableText(RESULTS_TABLE, streamOf(RESULTS), "jsonl")))
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({
      row: 0,
      output: { label: "x", deep: [1, null, "y"] },
      finished_at: "2026-11-23T10:11:12.345Z",
      tags: { team: "a,b", odd: "line\nbreak" },
    });
    expect(Object.keys(lines[2]!)).not.toContain("model");
  });

  it("as CSV has nothing that a spreadsheet would run, and numbers stay numbers", async () => {
    const texts = ["=1+1", "-2+3", "-5", "+4.5e3", "@x", "\tx"];
    const rows = texts.map((text, row) =>
      answered(row, { id: text, tenant: text, answer: { text, finish: { unified: "stop", raw: null } }, tags: { team: text } }),
    );
    const read = async (options = {}) =>
      parse((await collect(tableText(RESULTS_TABLE, streamOf(rows), "csv", options))).join(""), { columns: true }) as Record<
        string,
        string
      >[];
    const guarded = ["'=1+1", "'-2+3", "-5", "+4.5e3", "'@x", "'\tx"];
    for (const column of ["label", "tenant", "output"]) {
      expect((await read()).map((row) => row[column])).toEqual(guarded);
      expect((await read({ isRaw: true })).map((row) => row[column])).toEqual(texts);
    }
    expect((await read())[0]).toMatchObject({ tags: '{"team":"=1+1"}' });
  });

  it("as CSV has a header and a cell for every column", async () => {
    const text = (await collect(tableText(LEDGER_TABLE, streamOf(ENTRIES), "csv"))).join("");
    const rows = parse(text, { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(ENTRIES.length);
    expect(rows[0]).toMatchObject({
      at: "2026-11-23T10:11:12.345Z",
      cost_nano_usd: String(Number.MAX_SAFE_INTEGER),
      price: JSON.stringify(PRICE),
      tenant: "north",
    });
    expect(rows[1]).toMatchObject({ tenant: "", tags: "", is_duplicate: "true" });
    expect(await collect(tableText(LEDGER_TABLE, streamOf<LedgerEntry>([]), "csv"))).toEqual([
      `${LEDGER_TABLE.map(({ name }) => name).join(",")}\n`,
    ]);
  });
});

describe("the columns", () => {
  it("are PostgreSQL's, so that a query for one does for the other", () => {
    const names = (columns: readonly { readonly name: string }[]) => columns.map(({ name }) => name);
    expect(names(LEDGER_TABLE).toSorted()).toEqual(["batch", ...names(LEDGER_COLUMNS)].toSorted());
    // `record` is modelfleet's own.
    const shared = names(RESULT_COLUMNS).filter((name) => !name.startsWith("record"));
    expect(names(RESULTS_TABLE)).toEqual(expect.arrayContaining(["batch", ...shared]));
  });

  it("are those that docs/costs.md describes", async () => {
    const page = await readFile(join(import.meta.dirname, "../../docs/costs.md"), "utf8");
    const section = page.slice(page.indexOf("## Report and export"));
    for (const { name } of [...LEDGER_TABLE, ...RESULTS_TABLE]) expect(section).toContain(`\`${name}\``);
  });
});

function fromJson(value: unknown): unknown {
  return value === null ? null : JSON.parse(value as string);
}

/** As DuckDB gives it as JSON: 64 bits as text. */
function asRead(entry: LedgerEntry): Record<string, unknown> {
  const { usage } = entry;
  return {
    batch: entry.batch,
    row: entry.row,
    call: entry.call,
    ms: String(entry.at),
    task: entry.task,
    tags: entry.tags ?? null,
    tenant: entry.tenant ?? null,
    provider: entry.provider,
    model: entry.model,
    attempt: entry.attempt,
    purpose: entry.purpose,
    outcome: entry.outcome,
    is_duplicate: entry.isDuplicate,
    latency_ms: entry.latencyMs,
    input_tokens: String(usage.inputTokens),
    cached_input_tokens: String(usage.cachedInputTokens),
    cache_write_tokens: String(usage.cacheWriteTokens),
    output_tokens: String(usage.outputTokens),
    reasoning_tokens: String(usage.reasoningTokens),
    price: entry.price ?? null,
    cost_nano_usd: String(entry.costNanoUsd),
    is_estimated: entry.isEstimated,
  };
}

describe("a table as text", () => {
  it.each(["jsonl", "csv"] as const)("as %s comes in pieces not much longer than its longest row", async (format) => {
    const text = "x".repeat(1_000_000);
    const rows = Array.from({ length: 30 }, (_, row) => answered(row, { answer: { text, finish: { unified: "stop", raw: null } } }));
    const pieces = await collect(tableText(RESULTS_TABLE, streamOf(rows), format));
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(2_000_000);
    expect(pieces.join("").length).toBeGreaterThan(30_000_000);
  });
});
