// A real fleet for tests: its own Redis, a simulator, and every process a real one, that can be killed.

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { childEnvironment } from "../../src/runtime/environment.ts";
import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import type { SimulatorOptionsInput } from "../../src/simulator/simulator-options.ts";
import { startTestRedis, type TestRedis } from "./redis.ts";

const CLI = resolve(import.meta.dirname, "../../scripts/modelfleet.ts");

export interface FleetProcessHandle {
  readonly child: ChildProcess;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  terminate(): Promise<number | null>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
}

export interface TestFleet {
  readonly dir: string;
  readonly redis: TestRedis;
  readonly simulator: Simulator;
  readonly config: string;
  /** Starts one process of the fleet, e.g. `start("pool", "alpha")`; resolves when it says that it is running. */
  start(...args: string[]): Promise<FleetProcessHandle>;
  /** Starts a command; its output is collected. */
  command(...args: string[]): RunningCommand;
  file(name: string, content: string | Buffer): Promise<string>;
  /** The lines of a JSONL file. */
  lines(path: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export interface TestFleetOptions {
  readonly simulator: Omit<SimulatorOptionsInput, "port">;
  /** The configuration, given the simulator's address. */
  readonly config: (simulatorUrl: string) => object;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startTestFleet(options: TestFleetOptions): Promise<TestFleet> {
  const dir = await mkdtemp(join(tmpdir(), "modelfleet-fleet-"));
  const redis = await startTestRedis();
  const simulator = createSimulator({ ...options.simulator, port: 0 });
  const { url } = await simulator.start();
  const config = join(dir, "fleet.yaml");
  await writeFile(config, JSON.stringify(options.config(url)));
  const environment = childEnvironment({
    REDIS_URL: redis.url,
    STORE_URL: undefined,
    MODELFLEET_DATA: join(dir, "data"),
    LOG_LEVEL: "warn",
    NODE_NO_WARNINGS: "1",
    SIMULATED_KEY: "simulated",
    ...options.environment,
  });
  const children = new Set<ChildProcess>();
  const log = createWriteStream(join(dir, "fleet.log"));

  const launch = (args: readonly string[]) => {
    const child = spawn(process.execPath, [CLI, ...args, "--config", config], {
      cwd: dir,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    child.on("exit", () => children.delete(child));
    child.stderr.pipe(log, { end: false });
    return child;
  };
  return {
    dir,
    redis,
    simulator,
    config,
    async start(...args) {
      const child = launch(args);
      await new Promise<void>((ready, fail) => {
        let said = "";
        child.stderr.on("data", (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes(": running")) ready();
        });
        child.once("exit", (code) => fail(new Error(`modelfleet ${args.join(" ")} ended with ${code}: ${said}`)));
      });
      return {
        child,
        async kill() {
          child.kill("SIGKILL");
          await exited(child);
        },
        async terminate() {
          child.kill("SIGTERM");
          return exited(child);
        },
      };
    },
    command(...args) {
      const child = launch(args);
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      return { child, result: new Promise((done) => child.once("close", (code) => done({ code, stdout, stderr }))) };
    },
    async file(name, content) {
      const path = join(dir, name);
      await writeFile(path, content);
      return path;
    },
    async lines(path) {
      const text = await readFile(path, "utf8");
      return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));
    },
    async stop() {
      await Promise.all(
        Array.from(children, async (child) => {
          child.kill("SIGKILL");
          await exited(child);
        }),
      );
      await simulator.stop();
      await redis.stop();
      log.end();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode);
    else child.once("exit", done);
  });
}

/** Polls until `read` answers with something. Fails after `withinMs`, saying what was waited for. */
export async function until<Value>(
  what: string,
  read: () => Promise<Value | undefined | false> | Value | undefined | false,
  withinMs = 60_000,
): Promise<Value> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** For faults that last a stated time; anything else is waited for with {@link until}. */
export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
