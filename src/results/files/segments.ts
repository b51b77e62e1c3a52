// Where the file store keeps things: `<dir>/batches/<batch>/000001.jsonl`, `000002.jsonl` …
//
// A segment is written by the one process that made it, and by nobody else: what another process may still be writing is never continued or cut. Its states:
// `000001.jsonl`, its writer may add to it → `000001.closed.jsonl`, another one copies it into its own and what its writer adds no longer counts → removed.

import { mkdir, open, readdir, rename, type FileHandle } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** A batch's segments, in the order they were made. */
export async function listSegments(dir: string, batch: string): Promise<readonly string[]> {
  const folder = batchFolder(dir, batch);
  const names = await readdir(folder).catch(emptyIfMissing);
  return names
    .filter((name) => SEGMENT_NAME.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

/** The batches that have a segment, sorted by name. What else lies there is left alone. */
export async function listBatches(dir: string): Promise<readonly string[]> {
  const names = await readdir(join(dir, "batches")).catch(emptyIfMissing);
  const batches = names.flatMap(batchOf).toSorted();
  const segments = await Promise.all(batches.map((batch) => listSegments(dir, batch)));
  return batches.filter((_, i) => (segments[i] ?? []).length > 0);
}

/** Makes a new, empty segment of the batch, and its folder where it is missing, and makes them last. Nobody else makes the same. */
export async function createSegment(dir: string, batch: string): Promise<{ readonly path: string; readonly file: FileHandle }> {
  const folder = batchFolder(dir, batch);
  const [newest = ""] = (await listSegments(dir, batch)).slice(-1);
  for (let number = Number(SEGMENT_NUMBER.exec(newest)?.[1] ?? 0) + 1; ; number++) {
    const path = join(folder, `${String(number).padStart(6, "0")}.jsonl`);
    const file = await open(path, "ax").catch(undefinedIfPresent);
    if (!file) continue;
    await syncFolder(folder);
    return { path, file };
  }
}

/** Takes a segment away from its writer; answers with its new path. `undefined`: it is gone. */
export async function closeSegment(path: string): Promise<string | undefined> {
  if (path.endsWith(".closed.jsonl")) return path;
  const closed = path.replace(/\.jsonl$/, ".closed.jsonl");
  try {
    await rename(path, closed);
    return closed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export function createBatchFolder(dir: string, batch: string): Promise<void> {
  return createFolder(batchFolder(dir, batch), dir);
}

/** Makes a folder of the store `dir` where it is missing, with all above it, and makes it last. */
export async function createFolder(folder: string, dir: string): Promise<void> {
  const first = await mkdir(resolve(folder), { recursive: true });
  // One that was found may have been made a moment ago, by a process that was cut off before it synced.
  const top = first !== undefined && resolve(dir).startsWith(first) ? first : resolve(dir);
  for (let made = resolve(folder); ; made = dirname(made)) {
    if (made === top) return syncFolder(dirname(made)).catch(ignoreIfForbidden);
    await syncFolder(dirname(made));
  }
}

export function batchFolder(dir: string, batch: string): string {
  return join(dir, "batches", encodeBatch(batch));
}

/** Without it a power cut may take a new file's name away, though its content was synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const SEGMENT_NAME = /^\d{6}(?:\.closed)?\.jsonl$/;
const SEGMENT_NUMBER = /(\d{6})(?:\.closed)?\.jsonl$/;
/** What `mkfs` makes on a disk of its own: nobody may look into it. */
const LOST_AND_FOUND = "lost+found";
/** As names are, but for the length: that of an inbox holds its task's. */
const BATCH_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

function batchOf(folder: string): readonly string[] {
  const batch = decodeBatch(folder);
  return folder !== LOST_AND_FOUND && BATCH_NAME.test(batch) && encodeBatch(batch) === folder ? [batch] : [];
}

/** Upper case is marked: on a file system that ignores case, the batches `a` and `A` must not share a folder. */
function encodeBatch(batch: string): string {
  return batch.replaceAll(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`);
}

function decodeBatch(folder: string): string {
  return folder.replaceAll(/\+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Also where something else than a folder has its name. */
function emptyIfMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
  throw error;
}

function undefinedIfPresent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "EEXIST") throw error;
}

/** The folder that the store's own lies in may be one that can be passed through, but not read. */
function ignoreIfForbidden(error: NodeJS.ErrnoException): void {
  if (error.code !== "EACCES" && error.code !== "EPERM") throw error;
}
