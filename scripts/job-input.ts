// The input named on the command line: a file, that can be read again, or standard input (or a pipe), that can't.

import { constants, createReadStream } from "node:fs";
import { access, stat } from "node:fs/promises";
import type { Fleet } from "../src/config/fleet.ts";
import { digest, taskHash } from "../src/config/digest.ts";
import { nearest } from "../src/config/nearest.ts";
import { fingerprintFile } from "../src/intake/fingerprint.ts";
import { peekFormat } from "../src/intake/format.ts";
import type { JobInput } from "../src/intake/job-input.ts";
import { readRows } from "../src/intake/read-rows.ts";
import type { RowFormat } from "../src/intake/row.ts";
import { createInputValidator } from "../src/intake/validate.ts";
import { UsageError } from "../src/job/errors.ts";
import type { TaskSpec } from "../src/job/task.ts";

export const FORMATS: readonly RowFormat[] = ["jsonl", "csv", "openai"];

/** @throws UsageError when it isn't given or isn't configured, naming those that are. */
export function requireTask(fleet: Fleet, name: string | undefined): TaskSpec {
  const task = name === undefined ? undefined : fleet.tasks.get(name);
  if (task) return task;
  const near = name === undefined ? undefined : nearest(name, fleet.tasks.keys());
  throw new UsageError(
    name === undefined ? "which task are the rows for? Say it with --task" : `there is no task "${name}" in ${fleet.path}`,
    near ? `Did you mean "${near}"?` : `The tasks of ${fleet.path} are: ${Array.from(fleet.tasks.keys()).join(", ") || "none"}.`,
  );
}

/** @throws UsageError for a file that isn't there, can't be read as text, or has a format that the task doesn't take. */
export async function openInput(file: string, task: TaskSpec, format: RowFormat | undefined): Promise<JobInput> {
  const isFile = file !== "-" && (await requireFile(file)) === "file";
  const options = task.input === undefined ? {} : { validate: createInputValidator(task.input), schema: task.input };
  const fingerprint = isFile ? await fingerprintFile(file) : undefined;
  const source = (): AsyncIterable<Uint8Array> => (file === "-" ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 }));
  const name = file === "-" ? "standard input" : file;
  const rows = async function* () {
    const peeked = await peekFormat(file, source());
    const actual = format ?? peeked.format;
    if (actual !== "openai" && !task.prompt) {
      throw new UsageError(
        `the task "${task.name}" has no prompt, so it takes OpenAI-batch lines only, and ${name} has ${actual} rows`,
        "Give the task a prompt, or lines of the form {custom_id, method, url, body}.",
      );
    }
    yield* readRows(peeked.source, { format: actual, ...options });
  };
  if (isFile) for await (const _first of rows()) break; // what is wrong with the file as a whole is told before a batch is made
  return {
    name,
    isFile,
    derivedBatch: fingerprint && `${task.name.slice(0, 40)}-${digest([taskHash(task), fingerprint, format]).slice(0, 16)}`,
    rows,
    leave: () => void (file === "-" && process.stdin.destroy()),
  };
}

async function requireFile(file: string): Promise<"file" | "pipe"> {
  const cantRead = (error: NodeJS.ErrnoException) =>
    new UsageError(
      `can't read ${file}: ${error.code === "ENOENT" ? "there is no such file" : error.message}`,
      "Give a JSONL, CSV or OpenAI-batch file, or - for standard input.",
    );
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new UsageError(`${file} is a folder`, "Give a file, or - for standard input.");
    await access(file, constants.R_OK);
    return found.isFile() ? "file" : "pipe";
  } catch (error) {
    throw error instanceof UsageError ? error : cantRead(error as NodeJS.ErrnoException);
  }
}
