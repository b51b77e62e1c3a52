// modelfleet export: the results or the ledger of batches as a table for other programs: JSONL, CSV or Parquet.

import { extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { Option, type Command } from "commander";
import { UsageError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { formatCount } from "../src/report/format.ts";
import { LEDGER_TABLE } from "../src/report/ledger-table.ts";
import { RESULTS_TABLE } from "../src/report/results-table.ts";
import { writeParquet } from "../src/report/table-parquet.ts";
import { tableText } from "../src/report/table-text.ts";
import type { TableColumn } from "../src/report/table.ts";
import { configOption } from "./batch-options.ts";
import { writeWhole } from "./export-file.ts";
import { loadCommandFleet } from "./open-fleet.ts";
import { requireOutput } from "./output.ts";
import { chooseBatches } from "./report-selection.ts";
import { say } from "./terminal.ts";

const FORMATS = ["jsonl", "csv", "parquet"] as const;
type Format = (typeof FORMATS)[number];

interface Options {
  readonly config?: string;
  readonly what: "results" | "ledger";
  readonly output?: string;
  readonly format?: Format;
}

export function registerExport(program: Command): void {
  configOption(program.command("export <batches...>"))
    .description("the results or the ledger of batches as a table: JSONL, CSV or Parquet")
    .addOption(new Option("--what <table>", "a row for every result, or for every call").choices(["results", "ledger"]).default("results"))
    .option("-o, --output <file>", "where to; default: standard output")
    .addOption(new Option("-f, --format <format>", "default: seen from the output's name, else jsonl").choices(FORMATS))
    .action(async (batches: readonly string[], options: Options) => {
      await exportTable(batches, options);
    });
}

async function exportTable(named: readonly string[], options: Options): Promise<void> {
  const format = options.format ?? formatOf(options.output);
  if (format === "parquet" && options.output === undefined) {
    throw new UsageError("Parquet is not for a terminal", "Name a file: -o calls.parquet");
  }
  await requireOutput(options.output);
  const store = openStore(await loadCommandFleet(options));
  try {
    const batches = await chooseBatches(named, store);
    const rows =
      options.what === "ledger"
        ? await write(LEDGER_TABLE, (batch) => store.ledger(batch), batches, format, options.output)
        : await write(RESULTS_TABLE, (batch) => store.read(batch), batches, format, options.output);
    if (options.output !== undefined) say(`${formatCount(rows)} ${options.what === "ledger" ? "calls" : "results"} → ${options.output}`);
  } finally {
    await store.stop();
  }
}

/** Answers with how many rows were written. */
async function write<Item>(
  columns: readonly TableColumn<Item>[],
  read: (batch: string) => AsyncIterable<Item>,
  batches: readonly string[],
  format: Format,
  output: string | undefined,
): Promise<number> {
  let rows = 0;
  async function* items(): AsyncGenerator<Item> {
    for (const batch of batches) {
      for await (const item of read(batch)) {
        rows++;
        yield item;
      }
    }
  }
  if (format === "parquet") {
    await writeWhole(output ?? "", (file) =>
      writeParquet(columns, items(), async (bytes) => {
        await file.writeFile(bytes);
      }),
    );
  } else if (output === undefined) {
    await pipeline(tableText(columns, items(), format), process.stdout, { end: false });
  } else {
    await writeWhole(output, async (file) => {
      for await (const text of tableText(columns, items(), format)) await file.writeFile(text);
    });
  }
  return rows;
}

function formatOf(output = ""): Format {
  const extension = extname(output).slice(1).toLowerCase();
  return FORMATS.find((format) => format === extension) ?? "jsonl";
}
