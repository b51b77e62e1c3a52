// A question to the person at the terminal.
//
// y, yes ─▶ yes · any other line, Ctrl-D ─▶ no · Ctrl-C, or a signal from elsewhere ─▶ interrupted

import { createInterface } from "node:readline";
import { say } from "./terminal.ts";

export type YesNo = "yes" | "no" | "interrupted";

/** Whether there is somebody to ask: the question is written to standard error, and the answer read from standard input. */
export function isAtTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** `signal`: aborted by the process's own signals. Ctrl-C doesn't become one here, for readline takes the terminal's keys as they are. */
export function askYesNo(question: string, signal: AbortSignal): Promise<YesNo> {
  if (signal.aborted) return Promise.resolve("interrupted");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    const end = (answer: YesNo) => {
      signal.removeEventListener("abort", interrupt);
      terminal.removeAllListeners("close").close();
      resolve(answer);
    };
    /** The line of the question is not at its end. */
    const leave = (answer: YesNo) => {
      say();
      end(answer);
    };
    const interrupt = () => leave("interrupted");
    signal.addEventListener("abort", interrupt, { once: true });
    terminal.once("SIGINT", interrupt);
    terminal.once("close", () => leave("no")); // Ctrl-D, or a terminal that has gone
    terminal.question(`${question} [y/N] `, (answer) => end(/^y(es)?$/i.test(answer.trim()) ? "yes" : "no"));
  });
}
