// The command line as a person meets it: real commands as child processes, with their exit codes and what they say.

import { spawn, type ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { childEnvironment } from "../../src/runtime/environment.ts";
import { promptDigest } from "../../src/simulator/simulator-ledger.ts";
import type { ClassifyRow } from "./classify.ts";
import { until, type CommandResult, type TestFleet } from "./fleet.ts";

const CLI = resolve(import.meta.dirname, "../../scripts/modelfleet.ts");

/** Compiled code is kept between commands: half of a short command's time is loading. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), "modelfleet-test-compile-cache") };

export interface CommandOptions {
  readonly cwd?: string;
  /** Changes to this process's environment; `undefined` takes a variable out. REDIS_URL and STORE_URL are taken out unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Standard input; absent: none. */
  readonly input?: string | Buffer;
}

export interface StartedCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
  /** Resolves when standard error holds the text. */
  said(text: string): Promise<void>;
}

export function startCommand(args: readonly string[], { cwd, environment = {}, input }: CommandOptions = {}): StartedCommand {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: cwd ?? tmpdir(),
    env: childEnvironment({
      REDIS_URL: undefined,
      STORE_URL: undefined,
      NODE_NO_WARNINGS: "1",
      LOG_LEVEL: "warn",
      ...COMPILE_CACHE,
      ...environment,
    }),
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  if (input !== undefined) child.stdin?.end(input);
  const result = new Promise<CommandResult>((done) => child.once("close", (code) => done({ code, stdout, stderr })));
  return {
    child,
    result,
    async said(text) {
      await until(`"${text}" from modelfleet ${args.join(" ")}`, () => stderr.includes(text) || child.exitCode !== null, 30_000);
      if (!stderr.includes(text))
        throw new Error(`modelfleet ${args.join(" ")} ended with ${child.exitCode} before it said "${text}": ${stderr}`);
    },
  };
}

export function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return startCommand(args, options).result;
}

/** What makes any command one of the test fleet's. */
export function ofFleet(fleet: TestFleet): { readonly cwd: string; readonly environment: Readonly<Record<string, string>> } {
  return {
    cwd: fleet.dir,
    environment: { REDIS_URL: fleet.redis.url, MODELFLEET_DATA: join(fleet.dir, "data"), SIMULATED_KEY: "simulated" },
  };
}

/** How often the simulated vendors were asked about each row. Needs the simulator's call log. */
export function callsPerRow(fleet: TestFleet, rows: readonly ClassifyRow[]): number[] {
  const calls = new Map<string, number>();
  for (const { prompt } of fleet.simulator.ledger().calls ?? []) calls.set(prompt, (calls.get(prompt) ?? 0) + 1);
  return rows.map(({ text }) => calls.get(promptDigest(`Ticket: ${text}`)) ?? 0);
}
