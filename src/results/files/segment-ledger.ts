// The ledger of a batch, from its segments. Most rows have one line, whose calls are given on as it is read. Rows with several (rounds, extras, what two recorders
// wrote at once) are found in a first pass; in the second their calls are gathered until the row's last line.

import { ledgerEntries, mergeLedgerEntries, type LedgerEntry } from "../../job/ledger.ts";
import { compareStreamIds } from "../stream-id.ts";
import { decodeLine, type LineHead } from "./segment-line.ts";
import { scanSegment } from "./segment-scan.ts";
import { closeSegments, openSegments, type SegmentSnapshot } from "./segment-snapshot.ts";

/** The calls of a line. */
export interface LineCalls {
  readonly streamId: string;
  readonly calls: readonly LedgerEntry[];
}

/** Memory: a bit a row, and a number and some calls for every row with several lines. */
export async function* readLedger(dir: string, batch: string): AsyncGenerator<LedgerEntry> {
  const segments = await openSegments(dir, batch);
  try {
    /** Of rows with several lines: how many are still to come. */
    const linesLeft = await countSeveral(segments);
    const gathered = new Map<number, LineCalls[]>();
    for await (const line of scanAll(segments)) {
      const { row } = line;
      const lines = gathered.get(row) ?? [];
      lines.push(callsOf(line));
      const left = (linesLeft.get(row) ?? 1) - 1;
      if (left > 0) {
        linesLeft.set(row, left);
        gathered.set(row, lines);
        continue;
      }
      gathered.delete(row);
      linesLeft.delete(row);
      yield* bookCalls(lines);
    }
  } finally {
    await closeSegments(segments);
  }
}

export function callsOf({ streamId, isExtra, content }: Pick<LineHead, "streamId" | "isExtra"> & { readonly content: Buffer }): LineCalls {
  return { streamId, calls: ledgerEntries(decodeLine(content), isExtra) };
}

/** The calls of a row's lines, each booked once: in the order in which they came from the batch's stream, however they were written. */
export function bookCalls(lines: readonly LineCalls[]): Iterable<LedgerEntry> {
  const booked = new Map<string, LedgerEntry>();
  let before: string | undefined;
  for (const { streamId, calls } of lines.toSorted((a, b) => compareStreamIds(a.streamId, b.streamId))) {
    if (streamId === before) continue;
    before = streamId;
    for (const entry of calls) {
      const known = booked.get(entry.call);
      booked.set(entry.call, known ? mergeLedgerEntries(known, entry) : entry);
    }
  }
  return booked.values();
}

async function* scanAll(segments: SegmentSnapshot) {
  for (const segment of segments) yield* scanSegment(segment);
}

/** Row → its lines, for rows with more than one. */
async function countSeveral(segments: SegmentSnapshot): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  let seen = new Uint8Array(4096);
  for await (const { row } of scanAll(segments)) {
    const at = row >> 3;
    if (at >= seen.length) {
      const grown = new Uint8Array(Math.max(at + 1, seen.length * 2));
      grown.set(seen);
      seen = grown;
    }
    const bit = 1 << (row & 7);
    if (((seen[at] as number) & bit) === 0) seen[at] = (seen[at] as number) | bit;
    else counts.set(row, (counts.get(row) ?? 1) + 1);
  }
  return counts;
}
