// What commands say on standard error, and how they end: 0 done · 1 some jobs failed, or stopped with a reason · 2 wrong usage, configuration or input · 130 interrupted.

import { StoppedError, UsageError } from "../src/job/errors.ts";

export function say(line = ""): void {
  process.stderr.write(`${line}\n`);
}

/** Reports an error the way a person needs it, and answers with the exit code. */
export function reportError(error: unknown): number {
  if (error instanceof UsageError || error instanceof StoppedError) {
    say(`modelfleet: ${error.message}`);
    if (error.hint) say(`  ${error.hint}`);
    return error instanceof UsageError ? 2 : 1;
  }
  if (error instanceof AggregateError) {
    const expected = error.errors.find((each) => each instanceof StoppedError);
    if (expected && error.errors.every((each) => each instanceof StoppedError)) return reportError(expected);
    for (const each of error.errors) say(String(each instanceof Error ? each.stack : each));
  }
  say(`modelfleet: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  say("  This is a fault in modelfleet: please report it with the lines above.");
  return 1;
}
