// What commands say on standard error, and how they end: 0 done · 1 some jobs failed, or stopped with a reason · 2 wrong usage, configuration or input · 130 interrupted.

import { isCutOff } from "../queues/pipeline.ts";
import { StoppedError, UsageError } from "../src/job/errors.ts";

export function say(line = ""): void {
  process.stderr.write(`${line}\n`);
}

/** A reader that goes away (`| head`) is no fault: what is written to it is dropped, and who waits for the writing is told by a rejection. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

/** Reports an error the way a person needs it, and answers with the exit code. */
export function reportError(error: unknown): number {
  if (codeOf(error) === "EPIPE") return 0;
  const known = error instanceof UsageError || error instanceof StoppedError ? error : fromOutside(error);
  if (known) {
    say(`modelfleet: ${known.message}`);
    if (known.hint) say(`  ${known.hint}`);
    return known instanceof UsageError ? 2 : 1;
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

/** What Redis or the system says is not a fault of ours: its own words are enough. */
function fromOutside(error: unknown): StoppedError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "MaxRetriesPerRequestError" || error.message === "Connection is closed." || isCutOff(error))
    return new StoppedError("the connection to Redis was lost", "Nothing is lost: the same command again goes on when Redis is back.");
  if (error.name === "ReplyError") return new StoppedError(`Redis refuses: ${error.message}`);
  return "syscall" in error && codeOf(error) !== undefined ? new StoppedError(error.message) : undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
