// Results from the store to where the user wants them: answers in input order, errors apart, and the report.

import { constants } from "node:fs";
import { access, lstat, realpath, rm, stat } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { UsageError } from "../src/job/errors.ts";
import type { Result } from "../src/job/result.ts";
import { createSummary, type Summary } from "../src/report/summary.ts";
import { renderText } from "../src/report/render-text.ts";
import { openStore } from "../src/results/open-store.ts";
import { writeOutputFile } from "../src/results/output-file.ts";
import { writeOutput, type OutputCounts } from "../src/results/output.ts";
import type { Store } from "../src/results/store.ts";
import { formatCount } from "../src/report/format.ts";
import type { OpenFleet } from "./open-fleet.ts";
import { say } from "./terminal.ts";

export const OUTPUT_FORMATS = ["jsonl", "csv", "openai"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What other programs write under these names is something else. */
const FOREIGN_ENDINGS: ReadonlySet<string> = new Set([".xlsx", ".xls", ".ods", ".parquet"]);

/** @throws UsageError for a name that promises what isn't written. */
export function formatOf(output: string | undefined): OutputFormat {
  const ending = output === undefined ? "" : extname(output).toLowerCase();
  if (FOREIGN_ENDINGS.has(ending)) {
    throw new UsageError(
      `${output}: answers are written as JSONL or CSV, not as ${ending.slice(1)}`,
      "Name it .jsonl, or .csv, which spreadsheets open. modelfleet export writes Parquet.",
    );
  }
  return ending === ".csv" ? "csv" : "jsonl";
}

/** Called before any work is done for it. @throws UsageError when nothing can be written to `output`, or it is the input. */
export async function requireOutput(output: string | undefined, input?: string): Promise<void> {
  if (output === undefined) return;
  const found = await stat(output).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`can't write to ${output}: it is a folder`, "Name a file in it.");
  if (found && input !== undefined && (await isSameFile(output, input)))
    throw new UsageError(`${output} is the input: it would be overwritten`, "Choose another -o.");
  const folder = dirname(output);
  await access(found && !found.isFile() ? output : folder, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? `there is no folder ${folder}` : error.message;
    throw new UsageError(`can't write to ${output}: ${reason}`, "Make the folder, or choose another file.");
  });
}

/** `output` undefined: standard output. */
export async function writeResults(
  store: Store,
  options: {
    readonly batch: string;
    readonly format: OutputFormat;
    readonly which: "answered" | "errors";
    readonly output?: string | undefined;
    /** CSV without a `'` before texts that a spreadsheet would take for formulas. */
    readonly isRaw?: boolean | undefined;
  },
  onResult: (result: Result) => void = () => undefined,
): Promise<OutputCounts> {
  const { batch, output, format, which, isRaw = false } = options;
  const results = tap(store.read(batch), onResult);
  const counts = await (output === undefined
    ? writeOutput(results, { format, which, isRaw, sink: process.stdout })
    : writeOutputFile(output, results, { format, which, isRaw }));
  if (counts.guardedCells > 0) {
    say(
      `${formatCount(counts.guardedCells)} cells begin like formulas: a ' stands before each, so that spreadsheets take it for text (--raw leaves it out)`,
    );
  }
  return counts;
}

/** Writes the answers and sums up the batch on the way: rows by its results, calls and cost by its ledger, as `modelfleet report` does. */
export async function writeAndSumUp(
  store: Store,
  options: Parameters<typeof writeResults>[1],
  expect?: (result: Result) => boolean | undefined,
): Promise<{ readonly counts: OutputCounts; readonly summary: Summary }> {
  const summary = createSummary(expect ? { expect } : {});
  const counts = await writeResults(store, options, (result) => summary.add(result));
  for await (const entry of store.ledger(options.batch)) summary.addCall(entry);
  return { counts, summary: summary.read() };
}

/** The end of a run: output, errors beside it, the report on standard error. Answers with the exit code: 1 when rows failed. */
export async function deliver(
  open: OpenFleet,
  options: {
    readonly batch: string;
    readonly format: OutputFormat;
    readonly output?: string | undefined;
    readonly isRaw?: boolean | undefined;
  },
): Promise<number> {
  const { batch, output } = options;
  const store = openStore(open.fleet);
  try {
    const status = await open.states.status(batch);
    if (status && status.total && !(await store.batches()).includes(batch)) {
      throw new UsageError(
        `the results of batch ${batch} are not in ${store.place}`,
        "Its recorder writes to another store: run this command where that store is.",
      );
    }
    const { counts, summary } = await writeAndSumUp(store, { ...options, which: "answered" });
    say(`\n${renderText(summary)}\n`);
    const errorsFile = output === undefined ? undefined : await errorsBeside(output);
    if (errorsFile !== undefined && counts.errors > 0)
      await writeResults(store, { batch, format: "jsonl", which: "errors", output: errorsFile });
    else if (errorsFile !== undefined) await rm(errorsFile, { force: true }); // of an earlier run: those errors are gone
    if (status && status.duplicateCalls > 0)
      say(`duplicate calls: ${formatCount(status.duplicateCalls)} (cut off in mid-flight and made again)`);
    if (output !== undefined) say(`${formatCount(counts.answered)} answers → ${output}`);
    if (counts.errors > 0) {
      say(
        errorsFile === undefined
          ? `${formatCount(counts.errors)} rows failed: modelfleet results ${batch} --errors`
          : `${formatCount(counts.errors)} rows failed → ${errorsFile}`,
      );
      say(`take up those that another run could end otherwise: modelfleet retry ${batch}`);
    }
    return counts.errors > 0 ? 1 : 0;
  } finally {
    await store.stop();
  }
}

/** `out.jsonl` → `out.errors.jsonl`, beside the file that a link names, as the answers are; undefined for what is no file, such as a pipe. */
async function errorsBeside(output: string): Promise<string | undefined> {
  const isLink = (await lstat(output)).isSymbolicLink();
  const path = isLink ? await realpath(output).catch(() => undefined) : output; // none: the link of an open pipe, or of a file that was deleted
  if (path === undefined || !(await stat(path)).isFile()) return undefined;
  const extension = extname(path);
  return `${extension ? path.slice(0, -extension.length) : path}.errors.jsonl`;
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => realpath(path).catch(() => path)));
  return a === b;
}

async function* tap<Item>(items: AsyncIterable<Item>, look: (item: Item) => void): AsyncGenerator<Item> {
  for await (const item of items) {
    look(item);
    yield item;
  }
}
