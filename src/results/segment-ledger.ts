// The ledger of a batch, from its segments. Most rows have one line, whose calls are given on as it is read. Rows with several (rounds, extras) are found in a
// first pass; in the second their calls are gathered until the row's last line.

import { open, stat } from "node:fs/promises";
import { ledgerEntries, mergeLedgerEntries, type LedgerEntry } from "../job/ledger.ts";
import { decodeLine } from "./segment-line.ts";
import { scanSegment, type ScannedSegment } from "./segment-scan.ts";
import { listSegments } from "./segments.ts";

/** What a reader began with: lines that are appended meanwhile would be unknown to the first pass. */
type Snapshot = readonly Required<ScannedSegment>[];

/** Memory: a bit a row, and a number and some calls for every row with several lines. */
export async function* readLedger(dir: string, batch: string): AsyncGenerator<LedgerEntry> {
  const segments = await takeSnapshot(dir, batch);
  /** Of rows with several lines: how many are still to come. */
  const linesLeft = await countSeveral(segments);
  const gathered = new Map<number, Map<string, LedgerEntry>>();
  for await (const { row, isExtra, content } of scanAll(segments)) {
    const calls = gathered.get(row) ?? new Map<string, LedgerEntry>();
    for (const entry of ledgerEntries(decodeLine(content), isExtra)) {
      const known = calls.get(entry.call);
      calls.set(entry.call, known ? mergeLedgerEntries(known, entry) : entry);
    }
    const left = (linesLeft.get(row) ?? 1) - 1;
    if (left > 0) {
      linesLeft.set(row, left);
      gathered.set(row, calls);
      continue;
    }
    gathered.delete(row);
    linesLeft.delete(row);
    yield* calls.values();
  }
  // A line that a crash had cut off was written anew between the passes, elsewhere.
  for (const calls of gathered.values()) yield* calls.values();
}

async function takeSnapshot(dir: string, batch: string): Promise<Snapshot> {
  const paths = await listSegments(dir, batch);
  return Promise.all(paths.map(async (path, i) => ({ path, isLast: i === paths.length - 1, endBytes: (await stat(path)).size })));
}

async function* scanAll(segments: Snapshot) {
  for (const segment of segments) {
    const file = await open(segment.path, "r");
    try {
      yield* scanSegment(file, segment);
    } finally {
      await file.close();
    }
  }
}

/** Row → its lines, for rows with more than one. */
async function countSeveral(segments: Snapshot): Promise<Map<number, number>> {
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
