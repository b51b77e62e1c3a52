// The input named on the command line: a file, that can be read again, or standard input, that can't.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Fleet } from "../src/config/fleet.ts";
import { digest, taskHash } from "../src/config/digest.ts";
import { nearest } from "../src/config/nearest.ts";
import { fingerprintFile } from "../src/intake/fingerprint.ts";
import { peekFormat } from "../src/intake/format.ts";
import { readRows } from "../src/intake/read-rows.ts";
import type { Row, RowFormat } from "../src/intake/row.ts";
import { createInputValidator } from "../src/intake/validate.ts";
import { UsageError } from "../src/job/errors.ts";
import type { TaskSpec } from "../src/job/task.ts";

export interface JobInput {
  readonly name: string;
  /** Standard input can be read once only: a resume needs the same rows again, and missing rows can't be found in it. */
  readonly isFile: boolean;
  /** Derived from the task's definition and the file's head, tail and size; undefined for standard input. */
  readonly derivedBatch: string | undefined;
  rows(): AsyncIterable<Row>;
}

export const FORMATS: readonly RowFormat[] = ["jsonl", "csv", "openai"];

export function requireTask(fleet: Fleet, name: string): TaskSpec {
  const task = fleet.tasks.get(name);
  if (task) return task;
  const near = nearest(name, fleet.tasks.keys());
  throw new UsageError(
    `there is no task "${name}" in ${fleet.path}`,
    near ? `Did you mean "${near}"?` : `Its tasks are: ${Array.from(fleet.tasks.keys()).join(", ") || "none"}.`,
  );
}

/** @throws UsageError for a file that isn't there or can't be read as text. */
export async function openInput(file: string, task: TaskSpec, format: RowFormat | undefined): Promise<JobInput> {
  const isFile = file !== "-";
  if (isFile) await requireFile(file);
  const options = {
    ...(task.input === undefined ? {} : { validate: createInputValidator(task.input), schema: task.input }),
  };
  const fingerprint = isFile ? await fingerprintFile(file) : undefined;
  const source = (): AsyncIterable<Uint8Array> => (isFile ? createReadStream(file, { highWaterMark: 256 * 1024 }) : process.stdin);
  return {
    name: isFile ? file : "standard input",
    isFile,
    derivedBatch: fingerprint && `${task.name.slice(0, 40)}-${digest([taskHash(task), fingerprint, format]).slice(0, 16)}`,
    async *rows() {
      const peeked = await peekFormat(file, source());
      const actual = format ?? peeked.format;
      if (actual !== "openai" && !task.prompt) {
        throw new UsageError(
          `the task "${task.name}" has no prompt, so it takes OpenAI-batch lines only, and ${isFile ? file : "the input"} has ${actual} rows`,
          "Give the task a prompt, or lines of the form {custom_id, method, url, body}.",
        );
      }
      yield* readRows(peeked.source, { format: actual, ...options });
    },
  };
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`can't read ${file}: ${error.code === "ENOENT" ? "there is no such file" : error.message}`, "Give a JSONL, CSV or OpenAI-batch file, or - for standard input.");
  });
  if (found.isDirectory()) throw new UsageError(`${file} is a folder`, "Give a file, or - for standard input.");
}
