// modelfleet report: what batches came to, by batch, task, model, provider, tag, tenant or day; as text, JSON, CSV, and a page with charts.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Option, type Command } from "commander";
import { UsageError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { DIMENSION_NAMES } from "../src/report/dimension.ts";
import { dayOf } from "../src/job/day.ts";
import { formatCount } from "../src/report/format.ts";
import { renderReportCsv } from "../src/report/render-report-csv.ts";
import { renderReportJson } from "../src/report/render-report-json.ts";
import { PAGE_DIVISIONS, renderReportPage } from "../src/report/render-report-page.ts";
import { renderReportText } from "../src/report/render-report-text.ts";
import { createSpendingReport, type SpendingReport } from "../src/report/spending-report.ts";
import { configOption } from "./batch-options.ts";
import { endWhenInterrupted } from "./end-when-interrupted.ts";
import { writeWhole } from "./export-file.ts";
import { loadCommandFleet } from "./open-fleet.ts";
import { requireOutput } from "./output.ts";
import { chooseBatches, readBaseline, readDimensions, readPeriod } from "./report-selection.ts";
import { say } from "./terminal.ts";

interface Options {
  readonly config?: string;
  readonly since?: string;
  readonly until?: string;
  readonly by: string;
  readonly baseline?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly html?: string;
}

export function registerReport(program: Command): void {
  configOption(program.command("report [batches...]"))
    .description("what batches came to: jobs, calls, tokens, cost, latency; in all and by groups")
    .option("--since <date>", "calls and jobs from this day or time on (UTC): 2026-11-01, 2026-11-01T08:00Z")
    .option("--until <date>", "up to and with this day, or before this time (UTC)")
    .option("--by <list>", `groups by ${DIMENSION_NAMES.join(", ")}: one or several, with commas`, "model")
    .option("--baseline <model>", "what one model in place of all had cost")
    .addOption(new Option("--json", "as JSON on standard output").conflicts("csv"))
    .option("--csv", "the groups as CSV on standard output, money in nano-dollars")
    .option("--html <file>", "a page with charts, that needs nothing else")
    .action(async (batches: readonly string[], options: Options) => {
      await report(batches, options);
    });
}

async function report(named: readonly string[], options: Options): Promise<void> {
  const by = readDimensions(options.by);
  const period = readPeriod(options);
  await requireOutput(options.html);
  const fleet = await loadCommandFleet(options);
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline, fleet);
  const interruption = endWhenInterrupted("the report is not complete");
  const store = openStore(fleet);
  try {
    const batches = await chooseBatches(named, store);
    const made = await createSpendingReport(store, batches, {
      by: options.html === undefined ? [by] : [...PAGE_DIVISIONS, by],
      ...period,
      ...(baseline ? { baseline } : {}),
    });
    if (made.total.jobs === 0 && made.total.calls === 0) {
      throw new UsageError(
        `nothing to report: no call and no job of ${batchWords(batches)} lies ${periodWords(options)}`,
        "Widen --since and --until, or leave them out.",
      );
    }
    const asked: SpendingReport = { ...made, divisions: made.divisions.slice(-1) };
    // One piece after the other: all at once might be more than memory holds.
    await pipeline(Readable.from(render(asked, batches, options)), process.stdout, { end: false });
    if (options.html === undefined) return;
    const subtitle = [batches.length > 1 ? batchWords(batches) : "", daysOf(made)].filter((words) => words !== "").join(" · ");
    const page = renderReportPage(made, { title: titleOf(batches), subtitle, ...(options.baseline ? { baseline: options.baseline } : {}) });
    await writeWhole(options.html, (file) => file.writeFile(page));
    say(`page → ${options.html}`);
  } finally {
    await store.stop();
    interruption.dispose();
  }
}

function render(report: SpendingReport, batches: readonly string[], options: Options): Iterable<string> {
  const division = report.divisions[0] ?? { by: [], groups: [] };
  if (options.csv) return [renderReportCsv(division)];
  if (options.json) return renderReportJson(jsonHead(report, batches, options), division);
  const { baseline } = options;
  const title = [titleOf(batches), daysOf(report)].filter((words) => words !== "").join(", ");
  return [`${renderReportText(report, { title, ...(baseline === undefined ? {} : { baseline }) })}\n`];
}

/** All but the groups. */
function jsonHead(report: SpendingReport, batches: readonly string[], options: Options): object {
  const { total, divisions, firstCallAt, lastCallAt, answersWithoutCall } = report;
  return {
    batches,
    since: options.since,
    until: options.until,
    baseline: options.baseline,
    firstCallAt: firstCallAt === undefined ? undefined : new Date(firstCallAt).toISOString(),
    lastCallAt: lastCallAt === undefined ? undefined : new Date(lastCallAt).toISOString(),
    answersWithoutCall,
    total,
    by: divisions[0]?.by ?? [],
  };
}

function titleOf(batches: readonly string[]): string {
  return batches.length === 1 ? `Report on batch ${batches[0]}` : `Report on ${formatCount(batches.length)} batches`;
}

function batchWords(batches: readonly string[]): string {
  const shown = batches.slice(0, 5).join(", ");
  return `${batches.length === 1 ? "batch" : "batches"} ${shown}${batches.length > 5 ? ` and ${formatCount(batches.length - 5)} more` : ""}`;
}

function daysOf({ firstCallAt, lastCallAt }: SpendingReport): string {
  if (firstCallAt === undefined || lastCallAt === undefined) return "";
  const [first, last] = [dayOf(firstCallAt), dayOf(lastCallAt)];
  return first === last ? first : `${first} to ${last}`;
}

function periodWords({ since, until }: Options): string {
  if (since === undefined && until === undefined) return "in the store";
  return [since === undefined ? "" : `from ${since} on`, until === undefined ? "" : `until ${until}`].filter(Boolean).join(" ");
}
