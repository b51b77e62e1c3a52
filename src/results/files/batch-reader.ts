// Reads a batch's results in the order of its rows. The segments are in order of time, so an index of the rows is made first, then the lines
// are fetched block by block. Neighbouring rows lie near each other in the file: a block is a few large reads.

import type { FileHandle } from "node:fs/promises";
import type { Result } from "../../job/result.ts";
import { createRowIndex, type LinePlace } from "./row-index.ts";
import { decodeLine } from "./segment-line.ts";
import { readExactly, scanSegment } from "./segment-scan.ts";
import { closeSegments, openSegments } from "./segment-snapshot.ts";

/** Every row once, highest round first choice. Reads the segments once for the index (more often above `rowsPerPass` rows) and once for the lines. */
export async function* readResults(options: { dir: string; batch: string; rowsPerPass: number }): AsyncGenerator<Result> {
  const segments = await openSegments(options.dir, options.batch);
  try {
    const files = segments.map(({ file }) => file);
    let endRow = 0;
    for (let firstRow = 0; firstRow === 0 || firstRow < endRow; firstRow += options.rowsPerPass) {
      const index = createRowIndex({ firstRow, maxRows: options.rowsPerPass });
      for (const [segment, { path, file }] of segments.entries()) {
        for await (const line of scanSegment({ path, file })) {
          if (line.isExtra) continue;
          endRow = Math.max(endRow, line.row + 1);
          if (line.row < firstRow || line.row >= firstRow + options.rowsPerPass) continue;
          index.note({ row: line.row, round: line.round, segment, offset: line.offset, bytes: line.bytes });
        }
      }
      for (const block of blocks(index.places())) yield* await readBlock(files, block);
    }
  } finally {
    await closeSegments(segments);
  }
}

const BLOCK_ROWS = 2048;
const BLOCK_BYTES = 8 * 1024 * 1024;
/** Reading on over a gap is cheaper than another read. */
const GAP_BYTES = 64 * 1024;

/** Bounded by rows and by bytes, so that memory is too. */
function* blocks(places: Iterable<LinePlace>): Generator<LinePlace[]> {
  let block: LinePlace[] = [];
  let bytes = 0;
  for (const place of places) {
    if (block.length === BLOCK_ROWS || (block.length > 0 && bytes + place.bytes > BLOCK_BYTES)) {
      yield block;
      block = [];
      bytes = 0;
    }
    block.push(place);
    bytes += place.bytes;
  }
  if (block.length > 0) yield block;
}

async function readBlock(files: readonly FileHandle[], block: readonly LinePlace[]): Promise<Result[]> {
  const results = new Map<number, Result>();
  for (const span of spans(block)) {
    const bytes = await readExactly(files[span.segment] as FileHandle, span.start, span.end - span.start);
    for (const { row, offset, bytes: size } of span.places)
      results.set(row, decodeLine(bytes.subarray(offset - span.start, offset - span.start + size)));
  }
  return block.map(({ row }) => results.get(row) as Result);
}

interface Span {
  readonly segment: number;
  readonly start: number;
  readonly places: LinePlace[];
  end: number;
}

function spans(block: readonly LinePlace[]): Span[] {
  const sorted = block.toSorted((a, b) => a.segment - b.segment || a.offset - b.offset);
  const found: Span[] = [];
  for (const place of sorted) {
    const last = found.at(-1);
    const end = place.offset + place.bytes;
    if (last && last.segment === place.segment && place.offset - last.end <= GAP_BYTES && end - last.start <= BLOCK_BYTES) {
      last.places.push(place);
      last.end = end;
    } else found.push({ segment: place.segment, start: place.offset, end, places: [place] });
  }
  return found;
}
