// Appends a batch's results to a segment of its own: other processes may write to the same batch, each to its own, and nobody changes what another has written.
// What two of them wrote is told apart by its stream id when it is read.
//
// States: unaware → writing (all segments were looked through and synced, so that the last stream id that is stored is known; it has a segment of its own, open or
// resting). Whatever fails, and whatever of its segment is not as it left it, makes it unaware: nothing is taken for granted, and the next append looks again. A segment
// of which a write or a sync failed is left for good, and what it holds doesn't count for stored: the system may show lines that never reached the disk.

import { constants } from "node:fs";
import { open, rm, stat, type FileHandle } from "node:fs/promises";
import { StoppedError } from "../../job/errors.ts";
import type { StoredResult } from "../store.ts";
import { compareStreamIds } from "../stream-id.ts";
import { findLastStreamId } from "./segment-end.ts";
import { encodeEnd, encodeLines } from "./segment-line.ts";
import { mergeSegments } from "./segment-merge.ts";
import { closeSegments, openSegments } from "./segment-snapshot.ts";
import { batchFolder, createBatchFolder, createSegment } from "./segments.ts";
import { writeAll } from "./write-all.ts";

export interface BatchWriter {
  /** Writes and syncs. Entries that are not newer than the last stored one are left out. One call at a time. */
  append(entries: readonly StoredResult[]): Promise<void>;
  /** Gives its open file back; the next append opens it again. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

interface OwnSegment {
  readonly path: string;
  readonly inode: number;
  /** `undefined`: resting. */
  file: FileHandle | undefined;
  size: number;
}

/** Of one write and sync: a string has a limit, and memory too. */
const PART_CHARACTERS = 8 * 1024 * 1024;
const MOST_SURPRISES = 8;

export function createBatchWriter(options: { dir: string; batch: string; segmentBytes: number }): BatchWriter {
  const { dir, batch, segmentBytes } = options;
  let lastStreamId: string | undefined;
  let own: OwnSegment | undefined;
  /** Inodes of own segments of which a write or a sync failed. */
  const failed = new Set<number>();

  const forget = async () => {
    const left = own;
    own = undefined;
    await left?.file?.close();
  };

  const lookAround = async () => {
    await createBatchFolder(dir, batch);
    const segments = await openSegments(dir, batch);
    try {
      // Their writers may have been cut off between write and sync.
      for (const { file } of segments) await file.datasync();
      lastStreamId = await findLastStreamId(segments.filter(({ inode }) => !failed.has(inode)));
    } finally {
      await closeSegments(segments);
    }
  };

  const newer = (entries: readonly StoredResult[]) => {
    const last = lastStreamId;
    return last === undefined ? entries : entries.filter((entry) => compareStreamIds(entry.streamId, last) > 0);
  };

  /** Its segment is as it left it: nobody has taken it away, cut or removed it. */
  const isOwn = async () => {
    if (!own) return true;
    const found = await stat(own.path).catch(() => undefined);
    return found !== undefined && found.ino === own.inode && found.size === own.size;
  };

  /** Without the last line a damage in the last append would be taken for the work of a crash; no more is lost with it. */
  const end = async () => {
    const { file, size } = own!;
    try {
      if (!file || size === 0 || lastStreamId === undefined || !(await isOwn())) return;
      await writeAll(file, encodeEnd(lastStreamId, size));
      await file.datasync();
    } catch {
      // It is a crash's work then.
    } finally {
      own = undefined;
      await file?.close();
    }
  };

  const begin = async () => {
    if (own) await end();
    const { path, file } = await createSegment(dir, batch);
    own = { path, inode: (await file.stat()).ino, file, size: 0 };
    own.size = await mergeSegments({ dir, batch, segmentBytes, into: path, file });
    // What was copied may reach further than what was found before.
    if (own.size > 0) await lookAround();
  };

  /** One write, one sync. Answers with how many were written for certain. */
  const writePart = async (entries: readonly StoredResult[], into: OwnSegment): Promise<number> => {
    const file = (into.file ??= await open(into.path, constants.O_WRONLY | constants.O_APPEND));
    const { bytes, count } = encodeLines(entries, { from: into.size, mostCharacters: PART_CHARACTERS });
    await writeAll(file, bytes);
    await file.datasync();
    into.size += bytes.length;
    // Asked only now: whoever takes it away afterwards finds these lines in it.
    return (await isOwn()) ? count : 0;
  };

  const write = async (entries: readonly StoredResult[]) => {
    let rest = entries;
    for (let surprises = 0; surprises < MOST_SURPRISES;) {
      if (!(await isOwn())) await forget();
      if (!own) await lookAround();
      rest = newer(rest);
      if (rest.length === 0) return;
      if (!own || own.size >= segmentBytes) {
        await begin();
        continue;
      }
      const count = await writePart(rest, own);
      if (count > 0) lastStreamId = rest[count - 1]!.streamId;
      else surprises++;
    }
    throw new StoppedError(
      `the files in ${batchFolder(dir, batch)} change again and again while they are written`,
      "What else is at work there?",
    );
  };

  /** After a failure. */
  const abandon = async () => {
    const left = own;
    await forget();
    if (!left) return;
    failed.add(left.inode);
    // Failing again and again leaves no files behind.
    if (left.size === 0 && (await stat(left.path)).size === 0) await rm(left.path);
  };

  return {
    async append(entries) {
      if (entries.length === 0) return;
      try {
        await write(entries);
      } catch (error) {
        // The first failure is the one to tell of.
        await abandon().catch(() => undefined);
        throw error;
      }
    },
    async rest() {
      const file = own?.file;
      if (own) own.file = undefined;
      await file?.close();
    },
    async close() {
      try {
        if (own) await end();
      } finally {
        await forget();
      }
    },
  };
}
