// Asks before a pilot spends more than a trifle, where nobody has set a cap and somebody is there to answer.

import { createInterface } from "node:readline/promises";
import { formatUsd } from "../src/report/format.ts";
import { say } from "./terminal.ts";

/** Estimates above this are asked about: a dollar. */
const TRIFLE_NANO_USD = 1e9;

/** Whether to go on. `isInputRead`: standard input holds the rows, so that it can't hold an answer. */
export async function confirmCost(
  estimateNanoUsd: number,
  { isCapped, isInputRead, signal }: { readonly isCapped: boolean; readonly isInputRead: boolean; readonly signal: AbortSignal },
): Promise<boolean> {
  if (isCapped || estimateNanoUsd <= TRIFLE_NANO_USD) return true;
  if (isInputRead || !process.stdin.isTTY || !process.stderr.isTTY) {
    say("going on without asking: there is no terminal, and no --max-cost");
    return true;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // On a terminal it is readline that gets Ctrl-C.
  terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answer = await terminal.question(`Spend about ${formatUsd(estimateNanoUsd)}? (--max-cost sets a cap) [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    terminal.close();
  }
}
