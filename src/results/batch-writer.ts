// Appends a batch's results to its last segment.
//
// States: closed → ready (the last segment is open, its torn end cut off, its size and last stream id known) → closed, when it is stopped or anything fails:
// after a failed write nothing is taken for granted, the next append looks at the file again.

import { open, type FileHandle } from "node:fs/promises";
import { encodeLines } from "./segment-line.ts";
import { findEnd } from "./segment-scan.ts";
import { batchFolder, createBatchFolder, listSegments, segmentPath, syncFolder } from "./segments.ts";
import type { StoredResult } from "./store.ts";
import { compareStreamIds } from "./stream-id.ts";

export interface BatchWriter {
  /** One write and one sync. Entries that are not newer than the last stored one are left out. One call at a time. */
  append(entries: readonly StoredResult[]): Promise<void>;
  close(): Promise<void>;
}

interface Ready {
  readonly file: FileHandle;
  readonly segments: number;
  readonly size: number;
  readonly lastStreamId: string | undefined;
}

export function createBatchWriter(options: { dir: string; batch: string; segmentBytes: number }): BatchWriter {
  const { dir, batch, segmentBytes } = options;
  let ready: Ready | undefined;

  const close = async () => {
    const open = ready;
    ready = undefined;
    await open?.file.close();
  };

  const prepare = async (): Promise<Ready> => {
    if (ready) {
      const stat = await ready.file.stat();
      // Another process has written (a recorder that lost its lease while it slept), or the folder was removed.
      if (stat.size !== ready.size || stat.nlink === 0) await close();
    }
    ready ??= await openLast();
    if (ready.size >= segmentBytes) {
      const { segments, lastStreamId } = ready;
      await close();
      ready = await openSegment(segments, lastStreamId);
    }
    return ready;
  };

  const openLast = async (): Promise<Ready> => {
    await createBatchFolder(dir, batch);
    const segments = await listSegments(dir, batch);
    return openSegment(Math.max(0, segments.length - 1), await findLastStreamId(segments.slice(0, -1)));
  };

  /** Opens the segment after `before` others (a new one is made) and cuts off what a crash left at its end. */
  const openSegment = async (before: number, lastBefore: string | undefined): Promise<Ready> => {
    const file = await open(segmentPath(dir, batch, before), "a+");
    try {
      const { size, last } = await findEnd(file);
      if (size < (await file.stat()).size) {
        await file.truncate(size);
        await file.datasync();
      }
      await syncFolder(batchFolder(dir, batch));
      return { file, segments: before + 1, size, lastStreamId: last?.streamId ?? lastBefore };
    } catch (error) {
      await file.close();
      throw error;
    }
  };

  return {
    async append(entries) {
      try {
        const current = await prepare();
        const { lastStreamId } = current;
        const fresh = lastStreamId === undefined ? entries : entries.filter((entry) => compareStreamIds(entry.streamId, lastStreamId) > 0);
        const last = fresh.at(-1);
        if (!last) return;
        const lines = encodeLines(fresh, current.size);
        await writeAll(current.file, lines);
        await current.file.datasync();
        ready = { ...current, size: current.size + lines.length, lastStreamId: last.streamId };
      } catch (error) {
        // The first failure is the one to tell of.
        await close().catch(() => undefined);
        throw error;
      }
    },
    close,
  };
}

/** The last stream id in the last of the segments that holds one. */
export async function findLastStreamId(segments: readonly string[]): Promise<string | undefined> {
  for (const path of segments.toReversed()) {
    const file = await open(path, "r");
    try {
      const { last } = await findEnd(file);
      if (last) return last.streamId;
    } finally {
      await file.close();
    }
  }
  return undefined;
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) written += (await file.write(bytes, written)).bytesWritten;
}
