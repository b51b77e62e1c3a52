// Reading a segment: all good lines from the start. (The last one from the end: segment-end.ts.)

import type { FileHandle } from "node:fs/promises";
import { StoppedError } from "../../job/errors.ts";
import { checkLine, isBlank, type LineHead } from "./segment-line.ts";

/** A good line and where it lies; `bytes` is without its line end. */
export interface SegmentLine extends LineHead {
  readonly offset: number;
  readonly bytes: number;
}

export interface ScannedSegment {
  readonly path: string;
  readonly file: FileHandle;
  /** Where a line begins; absent: 0. Those before it are left out. */
  readonly startBytes?: number;
  /** Lines that end beyond it are left out; absent: all that the file has got by then. */
  readonly endBytes?: number;
}

const CHUNK_BYTES = 1024 * 1024;
const LF = 0x0a;

/**
 * The good lines that hold a result, with their bytes. A damaged line in a segment's last append is one that a crash cut off: it and the lines after it don't count,
 * for they were written again elsewhere. Blank lines don't count either. Returns whether good lines were left out.
 * @throws StoppedError for a damaged line in what had been synced: the disk lost it, and nobody else has it.
 */
export async function* scanSegment(segment: ScannedSegment): AsyncGenerator<SegmentLine & { readonly content: Buffer }, boolean> {
  let last: LineHead | undefined;
  let hasMore = false;
  let damaged: { readonly offset: number; readonly bytes: number } | undefined;
  for await (const { offset, line } of readLines(segment.file, segment.startBytes, segment.endBytes)) {
    const head = checkLine(line);
    if (!head && !damaged && !isBlank(line)) damaged = { offset, bytes: line.length };
    if (!head) continue;
    if (damaged) {
      if (wasSynced(damaged.offset, { before: last, after: head })) throw await damageError(segment, damaged);
      hasMore = true;
      continue;
    }
    last = head;
    if (!head.isEnd) yield { ...head, offset, bytes: line.length, content: line };
  }
  return hasMore;
}

/** Whether what lies between two good lines, at `offset`, had been synced: then the one after it belongs to a later append. */
export function wasSynced(offset: number, { before, after }: { readonly before: LineHead | undefined; readonly after: LineHead }): boolean {
  // Where a line was taken out by hand, those after it lie before the offsets they tell of; lines of one append still tell of the same.
  return after.from > offset && after.from !== before?.from;
}

/** The lines (without their ends) from `start` up to `end`; what follows the last line end is left out. */
export async function* readLines(file: FileHandle, start = 0, end = Infinity): AsyncGenerator<{ offset: number; line: Buffer }> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let position = start;
  while (position < end) {
    const chunk = await readExactly(file, position, Math.min(CHUNK_BYTES, end - position));
    if (chunk.length === 0) return;
    let lineStart = 0;
    for (let lineEnd = chunk.indexOf(LF); lineEnd !== -1; lineEnd = chunk.indexOf(LF, lineStart)) {
      const piece = chunk.subarray(lineStart, lineEnd);
      const line = restBytes > 0 ? Buffer.concat([...rest, piece]) : piece;
      yield { offset: position + lineStart - restBytes, line };
      rest = [];
      restBytes = 0;
      lineStart = lineEnd + 1;
    }
    if (lineStart < chunk.length) {
      rest.push(chunk.subarray(lineStart));
      restBytes += chunk.length - lineStart;
    }
    position += chunk.length;
  }
}

/** The bytes at `position`; fewer where the file ends. */
export async function readExactly(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function damageError({ path, file }: ScannedSegment, { offset, bytes }: { readonly offset: number; readonly bytes: number }) {
  let number = 1;
  for await (const each of readLines(file, 0, offset)) if (each.offset < offset) number++;
  return new StoppedError(
    `the results in ${path} are damaged at byte ${offset}: line ${number} (${bytes} bytes) is not what was written`,
    `Restore the file from a backup. Or, while no recorder runs, overwrite line ${number} with blanks or take it out: its result is lost then, all others are read.`,
  );
}
