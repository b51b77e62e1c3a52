// Every process that begins to write to a batch makes a segment of its own. So that those that start often don't leave thousands of files, a new segment begins, when there
// are too many small ones, with what stands in them.
//
// A small segment may have a writer that is alive. It is taken away from it by another name first, then read to its end: a writer looks after each sync whether its segment
// is still its own, and writes again elsewhere what it can't be sure of. So what it was sure of is read here. The small ones are removed only when their copy is synced;
// cut off anywhere, some lines are there twice, which is harmless.

import { open, rm, stat, type FileHandle } from "node:fs/promises";
import { StoppedError } from "../../job/errors.ts";
import { compareStreamIds } from "../stream-id.ts";
import { moveLine } from "./segment-line.ts";
import { scanSegment, type SegmentLine } from "./segment-scan.ts";
import { batchFolder, closeSegment, listSegments, syncFolder } from "./segments.ts";
import { writeAll } from "./write-all.ts";

/** Fewer small segments are left alone. */
const FEWEST = 16;
/** Each takes an open file and a megabyte while it is read. */
const MOST = 64;
/** Smaller than this part of a full segment. */
const SMALL_PART = 8;
const WRITE_BYTES = 4 * 1024 * 1024;

type Line = SegmentLine & { readonly content: Buffer };

interface Source {
  readonly path: string;
  readonly file: FileHandle;
  readonly lines: ReturnType<typeof scanSegment>;
  next: Line | undefined;
  /** Not all of its good lines can be copied. */
  isDamaged: boolean;
}

/**
 * Copies small segments of the batch to the beginning of a new one, `into`, and removes them. Answers with the bytes that were written, and are synced. Where that fails all stays
 * as it was: writing goes on without.
 */
export async function mergeSegments(options: {
  readonly dir: string;
  readonly batch: string;
  readonly segmentBytes: number;
  readonly into: string;
  readonly file: FileHandle;
}): Promise<number> {
  const { dir, batch, file } = options;
  const sources: Source[] = [];
  let bytes = 0;
  try {
    for (const path of await chooseSmall(options)) {
      const source = await openSource(path);
      if (source) sources.push(source);
    }
    if (sources.length === 0) return 0;
    bytes = await copyLines(sources, file);
    await file.datasync();
    // Taken away meanwhile: whoever has it may have copied it when it was not whole.
    if ((await stat(options.into).catch(undefinedIfMissing))?.ino !== (await file.stat()).ino) return bytes;
  } catch {
    await file.truncate(0);
    return 0;
  } finally {
    await Promise.all(sources.map((source) => source.file.close()));
  }
  const copied = sources.filter(({ isDamaged }) => !isDamaged);
  await Promise.all(copied.map(({ path }) => rm(path, { force: true }).catch(() => undefined)));
  await syncFolder(batchFolder(dir, batch));
  return bytes;
}

/** `undefined`: another process has copied it. */
async function openSource(path: string): Promise<Source | undefined> {
  const closed = await closeSegment(path);
  const file = closed === undefined ? undefined : await open(closed, "r").catch(undefinedIfMissing);
  if (closed === undefined || !file) return undefined;
  return { path: closed, file, lines: scanSegment({ path: closed, file }), next: undefined, isDamaged: false };
}

/** The smallest first, as many as leave half of a segment free. */
async function chooseSmall({ dir, batch, segmentBytes, into }: Parameters<typeof mergeSegments>[0]): Promise<readonly string[]> {
  const others = (await listSegments(dir, batch)).filter((path) => path !== into);
  const sized = await Promise.all(
    others.map(async (path) => ({ path, size: (await stat(path).catch(undefinedIfMissing))?.size ?? Infinity })),
  );
  const small = sized.filter(({ size }) => size < segmentBytes / SMALL_PART).toSorted((a, b) => a.size - b.size);
  if (small.length < FEWEST) return [];
  let sum = 0;
  return small
    .slice(0, MOST)
    .filter(({ size }) => (sum += size) <= segmentBytes / 2)
    .map(({ path }) => path);
}

/** In the order of stream ids, each once: as if one writer had written them. */
async function copyLines(sources: readonly Source[], file: FileHandle): Promise<number> {
  let written = 0;
  let lines: Buffer[] = [];
  let bytes = 0;
  const flush = async () => {
    await writeAll(file, Buffer.concat(lines));
    written += bytes;
    lines = [];
    bytes = 0;
  };
  for (const source of sources) await step(source);
  for (let last: Line | undefined; ;) {
    const source = firstOf(sources);
    if (!source?.next) break;
    const line = source.next;
    if (!last || compareStreamIds(line.streamId, last.streamId) > 0) {
      const moved = moveLine(line.content, line, 0);
      lines.push(moved);
      bytes += moved.length;
      if (bytes >= WRITE_BYTES) await flush();
      last = line;
    }
    await step(source);
  }
  await flush();
  return written;
}

/** A damaged segment is read up to there, and kept. */
async function step(source: Source): Promise<void> {
  const found = await source.lines.next().catch((error: unknown) => {
    if (error instanceof StoppedError) return { done: true, value: true } as const;
    throw error;
  });
  source.next = found.done ? undefined : found.value;
  source.isDamaged = found.done === true && found.value;
}

function firstOf(sources: readonly Source[]): Source | undefined {
  let first: Source | undefined;
  for (const source of sources) {
    if (source.next && (!first?.next || compareStreamIds(source.next.streamId, first.next.streamId) < 0)) first = source;
  }
  return first;
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
