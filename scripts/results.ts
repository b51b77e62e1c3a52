// modelfleet results: a batch's output from the store, in input order.

import { Option, type Command } from "commander";
import { isOver } from "../src/job/batch.ts";
import { UsageError } from "../src/job/errors.ts";
import { openStore } from "../src/results/open-store.ts";
import { formatCount } from "../src/report/format.ts";
import { configOption } from "./batch-options.ts";
import { endWhenInterrupted } from "./end-when-interrupted.ts";
import { openFleet } from "./open-fleet.ts";
import { formatOf, OUTPUT_FORMATS, requireOutput, writeResults, type OutputFormat } from "./output.ts";
import { say } from "./terminal.ts";

interface Options {
  readonly config?: string;
  readonly output?: string;
  readonly format?: OutputFormat;
  readonly errors?: boolean;
  readonly raw?: boolean;
}

export function registerResults(program: Command): void {
  configOption(program.command("results <batch>"))
    .description("write a batch's answers (or its failed rows), in input order")
    .option("-o, --output <file>", "where to; default: standard output")
    .addOption(new Option("-f, --format <format>", "default: seen from the output's name").choices(OUTPUT_FORMATS))
    .option("--raw", "CSV: texts that a spreadsheet would take for formulas stay as they are, without a ' before them")
    .option("--errors", "the failed rows instead of the answers")
    .action(async (batch: string, options: Options) => {
      process.exitCode = await results(batch, options);
    });
}

async function results(batch: string, options: Options): Promise<number> {
  const format = options.format ?? formatOf(options.output);
  await requireOutput(options.output);
  const open = await openFleet(options);
  const interruption = endWhenInterrupted(
    options.output === undefined ? "what was written is not the whole output" : `${options.output} was not written`,
    () => open.close(),
  );
  const store = openStore(open.fleet);
  try {
    const status = await open.states.status(batch);
    if (!status && !(await store.batches()).includes(batch))
      throw new UsageError(`there is no batch "${batch}"`, "See them with: modelfleet status");
    const which = options.errors ? "errors" : "answered";
    const counts = await writeResults(store, { batch, format, which, output: options.output, isRaw: options.raw });
    if (options.output !== undefined)
      say(`${formatCount(options.errors ? counts.errors : counts.answered)} rows written to ${options.output}`);
    if (status && !isOver(status.state))
      say(
        `batch ${batch} is not finished: ${formatCount(status.stored)} of ${status.total === undefined ? "its" : formatCount(status.total)} rows have results so far`,
      );
    if (!options.errors && counts.errors > 0) say(`${formatCount(counts.errors)} rows failed: see them with --errors`);
    return 0;
  } finally {
    interruption.dispose();
    await store.stop();
    await open.close();
  }
}
