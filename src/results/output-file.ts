// The output as a file: it appears when it is complete, or not at all, also where its process is ended in the middle of it by a signal.

import { createWriteStream, rmSync } from "node:fs";
import { open, realpath, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UsageError } from "../job/errors.ts";
import type { Result } from "../job/result.ts";
import { writeOutput, type OutputCounts, type OutputOptions } from "./output.ts";

/**
 * Writes to a file beside `path`, syncs it and gives it the name. A device or a pipe (`/dev/stdout`) is written straight to.
 * @throws UsageError when the folder is missing or can't be written.
 */
export async function writeOutputFile(path: string, results: AsyncIterable<Result>, options: OutputOptions): Promise<OutputCounts> {
  const target = await findTarget(path);
  if (target.kind === "stream") return writeTo(target.path, results, options);
  const draft = join(dirname(target.path), `.${basename(target.path)}.${process.pid}.part`);
  const remove = () => rmSync(draft, { force: true });
  process.on("exit", remove);
  try {
    const counts = await writeTo(draft, results, options);
    await rename(draft, target.path);
    return counts;
  } catch (error) {
    remove();
    throw error;
  } finally {
    process.off("exit", remove);
  }
}

async function writeTo(path: string, results: AsyncIterable<Result>, options: OutputOptions): Promise<OutputCounts> {
  const file = await open(path, "w").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`can't write to ${path}: ${error.message}`, "Make the folder, or choose another file.", { cause: error });
  });
  // By its number: a stream that is given the handle would keep it from closing.
  const sink = createWriteStream(path, { fd: file.fd, autoClose: false });
  try {
    const counts = await writeOutput(results, { ...options, sink });
    await new Promise<void>((resolve, reject) => {
      sink.once("error", reject);
      sink.end(resolve);
    });
    if ((await file.stat()).isFile()) await file.sync();
    return counts;
  } finally {
    await file.close();
  }
}

/** A link is followed, so that the file it names is replaced and not the link. */
async function findTarget(path: string): Promise<{ kind: "file" | "stream"; path: string }> {
  const real = await realpath(path).catch(() => path);
  const found = await stat(real).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`can't write to ${path}: it is a folder`, "Name a file in it.");
  return { kind: found && !found.isFile() ? "stream" : "file", path: real };
}
