// The end of commands that only read: there is nothing to bring to an end, so that the first signal is the last.

import { setTimeout as sleep } from "node:timers/promises";
import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { say } from "./terminal.ts";

/** To leave a Redis of our own needs a few milliseconds; one that is silent isn't waited for. */
const LEAVING_MS = 1_000;

/**
 * SIGINT or SIGTERM says one line, `interrupted: ` and what became of the output, and ends the process with 130, whatever it waits for: a store that is silent, a reader
 * that reads no more. Files that are half written are removed on the way out, see `writeWhole`. `leave`: what is closed before.
 */
export function endWhenInterrupted(outcome: string, leave: () => Promise<void> = () => Promise.resolve()): { dispose(): void } {
  return listenForShutdown(() => {
    say(`interrupted: ${outcome}`);
    void Promise.race([leave().catch(() => undefined), sleep(LEAVING_MS)]).finally(() => process.exit(130));
  });
}
