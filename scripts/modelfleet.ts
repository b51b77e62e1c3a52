#!/usr/bin/env node
// The command line: one file per command, put together here.

import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { registerBatchCommands } from "./batch-commands.ts";
import { registerCheck } from "./check.ts";
import { registerEnqueue } from "./enqueue.ts";
import { registerProcesses } from "./processes.ts";
import { registerResults } from "./results.ts";
import { registerRetry } from "./retry.ts";
import { registerRun } from "./run.ts";
import { registerSimulator } from "./simulator.ts";
import { registerStatus } from "./status.ts";
import { reportError } from "./terminal.ts";

const program = new Command("modelfleet")
  .description("Runs large batches of LLM work over many vendors' models.")
  .version(packageVersion())
  .showHelpAfterError("(see --help)")
  .exitOverride()
  .configureHelp({ sortSubcommands: false });

for (const register of [
  registerRun,
  registerEnqueue,
  registerStatus,
  registerResults,
  registerBatchCommands,
  registerRetry,
  registerCheck,
  registerProcesses,
  registerSimulator,
]) {
  register(program);
}
for (const command of program.commands) command.exitOverride().showHelpAfterError("(see --help)");

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
