// A process of the demo: a command of the command line, with its log in a file, that never outlives the demo.
//
// It runs in a process group of its own, so that Ctrl-C reaches the demo alone, which then stops everything in order. Should the demo be killed, the
// channel between them closes, and the process stops itself.

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StoppedError } from "../src/job/errors.ts";
import { systemClock } from "../src/runtime/clock.ts";

export interface DemoChild {
  /** What its log said when it was ready: the match of `ready`. */
  readonly said: RegExpExecArray;
  /** SIGTERM; resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

const CLI = resolve(import.meta.dirname, "modelfleet.ts");
const POLL_MS = 50;
const LONGEST_START_MS = 30_000;
const LONGEST_STOP_MS = 15_000;

/** Loaded before the command: ends it, in its own clean way, when the demo is gone. */
const GOES_WITH_THE_DEMO = `data:text/javascript,${encodeURIComponent(
  'process.once("disconnect", () => process.kill(process.pid, "SIGTERM")); process.channel?.unref();',
)}`;

/**
 * Starts `modelfleet <args>` and waits until its log matches `ready`. @throws StoppedError with the end of the log when it ends first, or takes too long.
 */
export async function startDemoChild(options: {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly ready: RegExp;
}): Promise<DemoChild> {
  const { args, folder, ready } = options;
  const logFile = join(folder, `${args[0]}.log`);
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, ["--import", GOES_WITH_THE_DEMO, CLI, ...args], {
    env: options.environment,
    stdio: ["ignore", log, log, "ipc"],
    detached: true,
  });
  closeSync(log);
  let isGone = false;
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      isGone = true;
      resolve();
    };
    child.once("exit", end);
    child.once("error", end);
  });

  const stop = async () => {
    if (!isGone) child.kill("SIGTERM");
    const stopped = new AbortController();
    const timer = systemClock.sleep(LONGEST_STOP_MS, stopped.signal);
    await Promise.race([gone, timer]);
    stopped.abort();
    if (!isGone) child.kill("SIGKILL");
    await gone;
  };

  let stopping: Promise<void> | undefined;
  const giveUpAt = systemClock.now() + LONGEST_START_MS;
  for (;;) {
    const text = await readFile(logFile, "utf8");
    const said = ready.exec(text);
    if (said) return { said, stop: () => (stopping ??= stop()) };
    if (isGone || systemClock.now() > giveUpAt) {
      await stop();
      throw new StoppedError(
        `modelfleet ${args[0]} does not start: ${text.trim().slice(-1_000) || "it said nothing"}`,
        `Its log: ${logFile}`,
      );
    }
    await systemClock.sleep(POLL_MS);
  }
}
