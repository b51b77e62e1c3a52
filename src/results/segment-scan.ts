// Reading segments: all good lines from the start, and the last good one from the end.

import type { FileHandle } from "node:fs/promises";
import { StoppedError } from "../job/errors.ts";
import { checkLine, type LineHead } from "./segment-line.ts";

/** A good line and where it lies; `bytes` is without its line end. */
export interface SegmentLine extends LineHead {
  readonly offset: number;
  readonly bytes: number;
}

export interface ScannedSegment {
  readonly path: string;
  readonly isLast: boolean;
  /** Lines that end beyond it are left out; absent: all that the file has got by then. */
  readonly endBytes?: number;
}

const CHUNK_BYTES = 1024 * 1024;
const TAIL_BYTES = 64 * 1024;
const LF = 0x0a;

/**
 * The good lines, with their bytes. A damaged line in the last append to the last segment is one that a crash cut off: it and the lines after it don't count.
 * @throws StoppedError for a damaged line in what had been synced: the disk lost it, and nobody else has it.
 */
export async function* scanSegment(file: FileHandle, segment: ScannedSegment): AsyncGenerator<SegmentLine & { readonly content: Buffer }> {
  let damagedAt: number | undefined;
  for await (const { offset, line } of readLines(file, 0, segment.endBytes)) {
    const head = checkLine(line);
    if (!head) damagedAt ??= offset;
    else if (damagedAt === undefined) yield { ...head, offset, bytes: line.length, content: line };
    if (damagedAt !== undefined && (!segment.isLast || (head && head.from > damagedAt)))
      throw new StoppedError(
        `the results in ${segment.path} are damaged at byte ${damagedAt}`,
        "Restore the file from a backup, or take the damaged line out and run the batch again: its row is then asked again.",
      );
  }
}

/** Where the good part of a segment ends, and its last line (`undefined`: it has none). Reads the tail, as far back as the last append began. */
export async function findEnd(file: FileHandle): Promise<{ readonly size: number; readonly last: SegmentLine | undefined }> {
  const { size } = await file.stat();
  const candidate = await findLastGoodLine(file, size);
  if (!candidate) return { size: 0, last: undefined };
  let end = candidate.from;
  let last: SegmentLine | undefined;
  for await (const { offset, line } of readLines(file, candidate.from, candidate.offset + candidate.bytes + 1)) {
    const head = checkLine(line);
    if (!head) break;
    last = { ...head, offset, bytes: line.length };
    end = offset + line.length + 1;
  }
  if (last || candidate.from === 0) return { size: end, last };
  // The last append's first line is damaged: the append before it was synced, its last line ends here.
  return { size: end, last: await findLastGoodLine(file, end) };
}

/** The last line before `end` that is good by itself, looked for in windows that grow until they hold one. */
async function findLastGoodLine(file: FileHandle, end: number): Promise<SegmentLine | undefined> {
  for (let windowBytes = TAIL_BYTES; ; windowBytes *= 4) {
    const start = Math.max(0, end - windowBytes);
    const tail = await readExactly(file, start, end - start);
    let lineEnd = tail.lastIndexOf(LF);
    while (lineEnd > 0) {
      const before = tail.lastIndexOf(LF, lineEnd - 1);
      if (before === -1 && start > 0) break;
      const line = tail.subarray(before + 1, lineEnd);
      const head = checkLine(line);
      if (head) return { ...head, offset: start + before + 1, bytes: line.length };
      lineEnd = before;
    }
    if (start === 0) return undefined;
  }
}

/** The lines (without their ends) from `start` up to `end`; what follows the last line end is left out. */
async function* readLines(file: FileHandle, start = 0, end = Infinity): AsyncGenerator<{ offset: number; line: Buffer }> {
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
