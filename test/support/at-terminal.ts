// A command at a real terminal, as a person has it: keys go to it through a pty (util-linux's `script` makes one), and both of its outputs are on the screen.

import { spawn, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { childEnvironment } from "../../src/runtime/environment.ts";
import { COMPILE_CACHE } from "./command-line.ts";
import { until } from "./fleet.ts";

const CLI = resolve(import.meta.dirname, "../../scripts/modelfleet.ts");

/** As a terminal sends them. */
export const CTRL_C = "\x03";
export const CTRL_D = "\x04";

export interface AtTerminal {
  /** Types the keys when the text is on the screen. */
  typeAfter(text: string, keys: string): Promise<void>;
  /** For signals: of the program itself. */
  signal(name: NodeJS.Signals): void;
  /** `screen`: without what moves the cursor. */
  readonly result: Promise<{ readonly code: number | null; readonly screen: string }>;
}

/** Undefined, or why there is no terminal to be had: other systems' `script` takes other options. */
export const whyNoTerminal = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux")
  ? undefined
  : "needs script of util-linux";

/** `args`: of node. */
export function startNodeAtTerminal(
  args: readonly string[],
  { cwd = tmpdir(), environment = {} }: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string | undefined>> } = {},
): AtTerminal {
  const quoted = [process.execPath, ...args].map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ");
  // The shell tells its id, which is the program's after exec.
  const child = spawn("script", ["-qefc", `echo "pid $$"; exec ${quoted}`, "/dev/null"], {
    cwd,
    env: childEnvironment({ NODE_NO_WARNINGS: "1", SHELL: "/bin/sh", ...COMPILE_CACHE, ...environment }),
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  child.stdout.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  return {
    async typeAfter(text, keys) {
      await until(`"${text}" on the screen`, () => screen.includes(text) || child.exitCode !== null, 30_000);
      if (!screen.includes(text)) throw new Error(`ended with ${child.exitCode} before "${text}" was on the screen: ${screen}`);
      child.stdin.write(keys);
    },
    signal(name) {
      process.kill(Number(/^pid (\d+)/.exec(screen)?.[1]), name);
    },
    result: new Promise((done) => child.once("close", (code) => done({ code, screen: stripVTControlCharacters(screen) }))),
  };
}

export function startAtTerminal(args: readonly string[], options: Parameters<typeof startNodeAtTerminal>[1] = {}): AtTerminal {
  const environment = { REDIS_URL: undefined, STORE_URL: undefined, LOG_LEVEL: "warn", ...options.environment };
  return startNodeAtTerminal([CLI, ...args], { ...options, environment });
}
