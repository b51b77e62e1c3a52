// The end of commands that only read: there is nothing to bring to an end, so that the first signal is the last.

import { listenForShutdown } from "../src/runtime/shutdown.ts";
import { say } from "./terminal.ts";

/**
 * SIGINT or SIGTERM says one line, `interrupted: ` and what became of the output, and ends the process with 130, whatever it waits for: a store that is silent, a reader
 * that reads no more. Files that are half written are removed on the way out, see `writeWhole`.
 */
export function endWhenInterrupted(outcome: string): { dispose(): void } {
  return listenForShutdown(() => {
    say(`interrupted: ${outcome}`);
    process.exit(130);
  });
}
