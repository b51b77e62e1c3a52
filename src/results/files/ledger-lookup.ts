// What the segments hold of some rows. Lines are about in the order of their rows, so that it is enough to know, for each block of a segment, which rows lie between
// its first and its last: an index of some bytes for each quarter of a megabyte. It is made at the first question, and goes on from there at the next.

import type { Store } from "../store.ts";
import { laterStreamId } from "../stream-id.ts";
import { bookCalls, callsOf, type LineCalls } from "./segment-ledger.ts";
import { scanSegment } from "./segment-scan.ts";
import { closeSegments, openSegments, type OpenSegment } from "./segment-snapshot.ts";

/** As `Store.ledgerOf` asks for it, of one batch. Questions that come at once are answered one after the other. */
export type LedgerLookup = (rows: readonly number[]) => ReturnType<Store["ledgerOf"]>;

const BLOCK_BYTES = 256 * 1024;

interface Block {
  readonly startBytes: number;
  endBytes: number;
  firstRow: number;
  lastRow: number;
}

interface SegmentIndex {
  readonly inode: number;
  readonly blocks: Block[];
  lastStreamId: string | undefined;
}

export function createLedgerLookup({ dir, batch }: { readonly dir: string; readonly batch: string }): LedgerLookup {
  /** By path. */
  let indexes: ReadonlyMap<string, SegmentIndex> = new Map();
  let queue: Promise<unknown> = Promise.resolve();

  /** Goes on from what is known of the segment; anew when it is another one. */
  const indexOf = async (segment: OpenSegment): Promise<SegmentIndex> => {
    const known = indexes.get(segment.path);
    const isSame = known?.inode === segment.inode && segment.endBytes >= indexedBytes(known);
    const index = isSame ? known : { inode: segment.inode, blocks: [], lastStreamId: undefined };
    if (segment.endBytes > indexedBytes(index)) await extend(index, segment);
    return index;
  };

  const find = async (rows: readonly number[]) => {
    const wanted = new Set(rows);
    const sorted = [...wanted].toSorted((a, b) => a - b);
    const linesOf = new Map<number, LineCalls[]>();
    const found = new Map<string, SegmentIndex>();
    let lastStreamId: string | undefined;
    const segments = await openSegments(dir, batch);
    try {
      for (const segment of segments) {
        const index = await indexOf(segment);
        found.set(segment.path, index);
        lastStreamId = laterStreamId(lastStreamId, index.lastStreamId);
        for (const { startBytes, endBytes } of index.blocks.filter((block) => holdsSome(sorted, block))) {
          for await (const line of scanSegment({ ...segment, startBytes, endBytes })) {
            if (!wanted.has(line.row)) continue;
            const lines = linesOf.get(line.row) ?? [];
            linesOf.set(line.row, lines);
            lines.push(callsOf(line));
          }
        }
      }
    } finally {
      await closeSegments(segments);
    }
    indexes = found;
    return { lastStreamId, entries: [...linesOf.values()].flatMap((lines) => [...bookCalls(lines)]) };
  };

  return (rows) => {
    const turn = queue.then(() => find(rows));
    queue = turn.catch(() => undefined);
    return turn;
  };
}

function indexedBytes({ blocks }: SegmentIndex): number {
  return blocks.at(-1)?.endBytes ?? 0;
}

async function extend(index: SegmentIndex, segment: OpenSegment): Promise<void> {
  const { blocks } = index;
  for await (const { streamId, row, offset, bytes } of scanSegment({ ...segment, startBytes: indexedBytes(index) })) {
    let block = blocks.at(-1);
    if (!block || block.endBytes - block.startBytes >= BLOCK_BYTES) {
      block = { startBytes: offset, endBytes: offset, firstRow: row, lastRow: row };
      blocks.push(block);
    }
    block.endBytes = offset + bytes + 1;
    block.firstRow = Math.min(block.firstRow, row);
    block.lastRow = Math.max(block.lastRow, row);
    index.lastStreamId = streamId;
  }
}

/** `sorted`: rows in order. */
function holdsSome(sorted: readonly number[], { firstRow, lastRow }: Block): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < firstRow) low = middle + 1;
    else high = middle;
  }
  return low < sorted.length && (sorted[low] as number) <= lastRow;
}
