// The last good line of a segment, found from its end: it tells how far the segment goes.

import type { FileHandle } from "node:fs/promises";
import { laterStreamId } from "../stream-id.ts";
import { checkLine, isBlank } from "./segment-line.ts";
import { readExactly, readLines, wasSynced, type SegmentLine } from "./segment-scan.ts";
import type { SegmentSnapshot } from "./segment-snapshot.ts";

const TAIL_BYTES = 64 * 1024;
const STEP_BYTES = 1024 * 1024;
const LF = 0x0a;

/** The last stream id of all segments. Each by itself goes up; one that was begun earlier may have come further. */
export async function findLastStreamId(segments: SegmentSnapshot): Promise<string | undefined> {
  let last: string | undefined;
  for (const { file, endBytes } of segments) last = laterStreamId(last, (await findLastLine(file, endBytes))?.streamId);
  return last;
}

/** The last line that scanning the segment up to `size` counts. Reads the tail, as far back as the last append began. */
export async function findLastLine(file: FileHandle, size: number): Promise<SegmentLine | undefined> {
  const candidate = await findLastGoodLine(file, size);
  if (!candidate) return undefined;
  let last = await findEarlierAppend(file, candidate);
  for await (const { offset, line } of readLines(file, last ? endOf(last) : 0, endOf(candidate))) {
    const head = checkLine(line);
    if (head) last = { ...head, offset, bytes: line.length };
    else if (!isBlank(line) && !wasSynced(offset, { before: last, after: candidate })) break;
  }
  return last;
}

/** The last good line of the appends before that of `line`. */
async function findEarlierAppend(file: FileHandle, line: SegmentLine): Promise<SegmentLine | undefined> {
  let end = Math.min(line.from, line.offset);
  for (let stepBytes = STEP_BYTES; ; stepBytes *= 2) {
    const earlier = await findLastGoodLine(file, end);
    if (earlier?.from !== line.from) return earlier;
    // A line before it was taken out by hand: its append began earlier than it tells.
    end = Math.max(0, earlier.offset - stepBytes);
  }
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

function endOf({ offset, bytes }: SegmentLine): number {
  return offset + bytes + 1;
}
