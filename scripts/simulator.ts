// modelfleet simulator: local vendors with real limits, prices and faults.

import { type Command, InvalidArgumentError } from "commander";

import { StoppedError, UsageError } from "../src/job/errors.ts";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { defaultSimulatorOptions } from "../src/simulator/default-vendors.ts";
import { loadSimulatorOptions } from "../src/simulator/load-simulator-options.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import type { SimulatorOptionsInput } from "../src/simulator/simulator-options.ts";
import { say } from "./terminal.ts";

interface Flags {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
  readonly answers?: string;
  readonly recording?: string;
  readonly latency?: number;
  readonly seed?: number;
}

export function registerSimulator(program: Command): void {
  program
    .command("simulator")
    .description("local vendors that speak OpenAI's and Anthropic's wire formats, with real limits, prices and faults")
    .option("--config <file>", "what to simulate (YAML or JSON); without it: vendors openai and anthropic")
    .option("--port <number>", "0 for any free one (default: the file's, or 4010)", wholeNumber)
    .option("--host <address>", "where to listen (default: the file's, or 127.0.0.1)")
    .option("--answers <file>", "answer key: JSONL lines with text and label (without --config)")
    .option("--recording <file>", "recorded answers of real models, JSONL (without --config)")
    .option("--latency <ms>", "fixed latency of every call (without --config)", wholeNumber)
    .option("--seed <number>", "chance repeats with the same seed", wholeNumber)
    .action(simulate);
}

async function simulate(flags: Flags): Promise<void> {
  const options = await readOptions(flags);
  const shutdown = listenForShutdown(() => say("stopping"));
  try {
    const simulator = createSimulator(options);
    const { url } = await simulator.start().catch((error: NodeJS.ErrnoException) => {
      throw new StoppedError(
        `can't listen on ${options.host ?? "127.0.0.1"}:${options.port ?? 4010} (${error.code ?? error.message})`,
        "Choose another port with --port.",
      );
    });
    announce(options, url);
    if (!shutdown.signal.aborted) await new Promise((resolve) => shutdown.signal.addEventListener("abort", resolve, { once: true }));
    await simulator.stop();
  } finally {
    shutdown.dispose();
  }
}

async function readOptions(flags: Flags): Promise<SimulatorOptionsInput> {
  const { config, port, host, seed, answers, recording, latency } = flags;
  const quick = Object.entries({ answers, recording, latency }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (config !== undefined && quick.length > 0)
    throw new UsageError(`${quick.join(", ")} can't be used with --config`, `Write it into ${config} instead.`);
  const options =
    config === undefined ? defaultSimulatorOptions({ answers, recording, latencyMs: latency }) : await loadSimulatorOptions(config);
  return {
    ...options,
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function announce(options: SimulatorOptionsInput, url: string): void {
  say("Simulated vendors (no model is asked, nothing is paid):");
  for (const [name, vendor] of Object.entries(options.vendors)) {
    say(`  ${name} (${vendor.kind}) at ${url}/${name}${vendor.kind === "anthropic" ? "" : "/v1"}`);
    for (const [model, { limits }] of Object.entries(vendor.models)) {
      const told = Object.entries(limits ?? {}).map(([dimension, limit]) => `${dimension} ${String(limit)}`);
      say(`    ${model}: ${told.join(", ") || "no limits"}`);
    }
  }
  say(`Control: ${url}/_control/ (faults, ledger, state, reset). Stop with Ctrl-C.`);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("a whole number is expected.");
  return Number(text);
}
