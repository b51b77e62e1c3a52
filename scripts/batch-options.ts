// Options that several commands share.

import { Option, type Command } from "commander";
import { FORMATS } from "./job-input.ts";

export function configOption(command: Command): Command {
  return command.option("-c, --config <file>", "the fleet's configuration (default: fleet.yaml, fleet.yml or fleet.config.ts here)");
}

/** Of commands that take an input file. */
export function batchInputOptions(command: Command): Command {
  return configOption(command)
    .option("-t, --task <name>", "the task type of the rows (required)")
    .option("-b, --batch <id>", "the batch's id (default: derived from the task's definition and the file)")
    .option("--fresh", "begin anew, even if this file was run before")
    .addOption(new Option("-f, --format <format>", "the file's format (default: seen from its name and first line)").choices(FORMATS))
    .option(
      "--tag <key=value>",
      "a tag for every row; may be given several times",
      (tag: string, before: readonly string[] | undefined) => [...(before ?? []), tag],
    )
    .option("--tenant <name>", "on whose account the rows are, for budgets, the ledger and reports")
    .option("--data-class <name>", "the class of the rows' data: only models that may see it are called")
    .option("--allow <model...>", "the only models that may be called")
    .option("--deny <model...>", "models that may not be called");
}
