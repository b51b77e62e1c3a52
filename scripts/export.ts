// modelfleet export: the results or the ledger of batches as a table for other programs: JSONL, CSV or Parquet.

import { extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { Option, type Command } from "commander";
import { UsageError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { formatCount } from "../src/report/format.ts";
import { LEDGER_TABLE } from "../src/report/export/ledger-table.ts";
import { RESULTS_TABLE } from "../src/report/export/results-table.ts";
import { writeParquet } from "../src/report/export/table-parquet.ts";
import { tableText } from "../src/report/export/table-text.ts";
import type { TableColumn } from "../src/report/export/table.ts";
import { configOption } from "./batch-options.ts";
import { endWhenInterrupted } from "./end-when-interrupted.ts";
import { writeWhole } from "./export-file.ts";
import { loadCommandFleet } from "./open-fleet.ts";
import { requireOutput } from "./output.ts";
import { chooseBatches, readPeriod } from "./report-selection.ts";
import { say } from "./terminal.ts";

const FORMATS = ["jsonl", "csv", "parquet"] as const;
type Format = (typeof FORMATS)[number];

interface Options {
  readonly config?: string;
  readonly what: "results" | "ledger";
  readonly output?: string;
  readonly format?: Format;
  readonly since?: string;
  readonly until?: string;
  readonly raw?: boolean;
}

export function registerExport(program: Command): void {
  configOption(program.command("export [batches...]"))
    .description("the results or the ledger of batches, or of all, as a table: JSONL, CSV or Parquet")
    .addOption(new Option("--what <table>", "a row for every result, or for every call").choices(["results", "ledger"]).default("results"))
    .option("-o, --output <file>", "where to; default: standard output")
    .addOption(new Option("-f, --format <format>", "default: seen from the output's name, else jsonl").choices(FORMATS))
    .option("--since <date>", "results that ended, or calls that began, from this day or time on (UTC): 2026-11-01, 2026-11-01T08:00Z")
    .option("--until <date>", "up to and with this day, or before this time (UTC)")
    .option("--raw", "CSV: texts that a spreadsheet would take for formulas stay as they are, without a ' before them")
    .action(async (batches: readonly string[], options: Options) => {
      await exportTable(batches, options);
    });
}

async function exportTable(named: readonly string[], options: Options): Promise<void> {
  const format = options.format ?? formatOf(options.output);
  const { since = -Infinity, until = Infinity } = readPeriod(options);
  const isIn = (at: number) => at >= since && at < until;
  if (format === "parquet" && options.output === undefined && process.stdout.isTTY) {
    throw new UsageError("Parquet is not for a terminal", "Name a file: -o calls.parquet");
  }
  await requireOutput(options.output);
  const interruption = endWhenInterrupted(
    options.output === undefined ? "what was written is not the whole table" : `${options.output} was not written`,
  );
  const store = openStore(await loadCommandFleet(options));
  try {
    const batches = await chooseBatches(named, store);
    const target = { format, output: options.output, isRaw: options.raw ?? false };
    const rows =
      options.what === "ledger"
        ? await write(
            LEDGER_TABLE,
            eachOf(
              batches,
              (batch) => store.ledger(batch),
              ({ at }) => isIn(at),
            ),
            target,
          )
        : await write(
            RESULTS_TABLE,
            eachOf(
              batches,
              (batch) => store.read(batch),
              ({ finishedAt }) => isIn(finishedAt),
            ),
            target,
          );
    if (options.output !== undefined) say(`${formatCount(rows)} ${options.what === "ledger" ? "calls" : "results"} → ${options.output}`);
  } finally {
    await store.stop();
    interruption.dispose();
  }
}

async function* eachOf<Item>(
  batches: readonly string[],
  read: (batch: string) => AsyncIterable<Item>,
  isWanted: (item: Item) => boolean,
): AsyncGenerator<Item> {
  for (const batch of batches) for await (const item of read(batch)) if (isWanted(item)) yield item;
}

/** Answers with how many rows were written. */
async function write<Item>(
  columns: readonly TableColumn<Item>[],
  items: AsyncIterable<Item>,
  { format, output, isRaw }: { readonly format: Format; readonly output: string | undefined; readonly isRaw: boolean },
): Promise<number> {
  let rows = 0;
  async function* counted(): AsyncGenerator<Item> {
    for await (const item of items) {
      rows++;
      yield item;
    }
  }
  if (format === "parquet") {
    if (output === undefined) await writeParquet(columns, counted(), toStandardOutput);
    else await writeWhole(output, (file) => writeParquet(columns, counted(), (bytes) => file.writeFile(bytes)));
  } else if (output === undefined) {
    await pipeline(tableText(columns, counted(), format, { isRaw }), process.stdout, { end: false });
  } else {
    await writeWhole(output, async (file) => {
      for await (const text of tableText(columns, counted(), format, { isRaw })) await file.writeFile(text);
    });
  }
  return rows;
}

/** Resolves when the bytes are out: their memory is written over afterwards. */
function toStandardOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(bytes, (error) => (error ? fail(error) : done()));
  });
}

const ENDINGS: Readonly<Record<string, Format>> = {
  "": "jsonl",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".csv": "csv",
  ".parquet": "parquet",
};

/** @throws UsageError for a name that promises what isn't written. */
function formatOf(output = ""): Format {
  const ending = extname(output).toLowerCase();
  const format = Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
  if (format) return format;
  throw new UsageError(
    `${output}: a table is written as JSONL, CSV or Parquet, and the name ends in none of them`,
    `Name it .jsonl, .csv or .parquet, or say which it is to be: --format ${FORMATS.join("|")}.`,
  );
}
