#!/usr/bin/env node
// The command line: one file per command, put together here.

import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { registerBatchCommands } from "./batch-commands.ts";
import { registerBudgets } from "./budgets.ts";
import { registerCheck } from "./check.ts";
import { registerEnqueue } from "./enqueue.ts";
import { registerExport } from "./export.ts";
import { registerExplain } from "./explain.ts";
import { registerPilot } from "./pilot.ts";
import { registerPlan } from "./plan.ts";
import { registerProcesses } from "./processes.ts";
import { registerReport } from "./report.ts";
import { registerResults } from "./results.ts";
import { registerRetry } from "./retry.ts";
import { registerRun } from "./run.ts";
import { registerSimulator } from "./simulator.ts";
import { registerStatus } from "./status.ts";
import { reportError, tolerateClosedPipes } from "./terminal.ts";

const EXAMPLES = `
Examples:
  modelfleet check
  modelfleet run tickets.jsonl --task classify -o answers.jsonl
  modelfleet status --follow
  modelfleet <command> --help

Exit codes: 0 done · 1 some rows failed, or stopped with a reason · 2 wrong usage,
configuration or input · 130 interrupted (the same command again goes on)`;

const program = new Command("modelfleet")
  .description("Runs large batches of LLM work over many vendors' models.")
  .version(packageVersion())
  .showHelpAfterError("usage: modelfleet <command> …, see modelfleet --help")
  .exitOverride()
  .configureHelp({ sortSubcommands: false })
  .addHelpText("after", EXAMPLES);

program.commandsGroup("Batches:");
for (const register of [registerRun, registerEnqueue, registerStatus, registerResults, registerBatchCommands, registerRetry]) {
  register(program);
}
program.commandsGroup("The fleet:");
registerProcesses(program);
program.commandsGroup("Models and money:");
for (const register of [registerExplain, registerPilot, registerPlan, registerBudgets, registerReport, registerExport]) register(program);
program.commandsGroup("Setting up:");
for (const register of [registerCheck, registerSimulator]) register(program);

for (const command of program.commands) {
  const name = `modelfleet ${command.name()}`;
  command.exitOverride().showHelpAfterError(`usage: ${name} ${command.usage()}, see ${name} --help`);
}

tolerateClosedPipes();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error);
}

/** From the package's own folder, or one above it in the published form. */
function packageVersion(): string {
  const require = createRequire(import.meta.url);
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return (require(path) as { version: string }).version;
    } catch {
      // the other one
    }
  }
  return "unknown";
}
