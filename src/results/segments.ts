// Where the file store keeps things: `<dir>/batches/<batch>/000001.jsonl`, `000002.jsonl` …

import { mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** A batch's segments in the order they were written. */
export async function listSegments(dir: string, batch: string): Promise<readonly string[]> {
  const folder = batchFolder(dir, batch);
  const names = await readdir(folder).catch(emptyIfMissing);
  return names
    .filter((name) => SEGMENT_NAME.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

/** The batches that have a segment, sorted by name. */
export async function listBatches(dir: string): Promise<readonly string[]> {
  const names = await readdir(join(dir, "batches")).catch(emptyIfMissing);
  const batches = names.map(decodeBatch).toSorted();
  const segments = await Promise.all(batches.map((batch) => listSegments(dir, batch)));
  return batches.filter((_, i) => (segments[i] ?? []).length > 0);
}

/** Makes the folder where it is missing, and makes it last. */
export async function createBatchFolder(dir: string, batch: string): Promise<void> {
  const folder = batchFolder(dir, batch);
  await mkdir(folder, { recursive: true });
  await syncFolder(join(dir, "batches"));
  await syncFolder(dir);
}

/** The path of the segment after `count` others. */
export function segmentPath(dir: string, batch: string, count: number): string {
  return join(batchFolder(dir, batch), `${String(count + 1).padStart(6, "0")}.jsonl`);
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

const SEGMENT_NAME = /^\d{6}\.jsonl$/;

/** Upper case is marked: on a file system that ignores case, the batches `a` and `A` must not share a folder. */
function encodeBatch(batch: string): string {
  return batch.replaceAll(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`);
}

function decodeBatch(folder: string): string {
  return folder.replaceAll(/\+([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function emptyIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
