// A batch's segments as of one moment, open: what is made, written, closed or removed afterwards doesn't touch a reader.

import { open, type FileHandle } from "node:fs/promises";
import { listSegments } from "./segments.ts";

export interface OpenSegment {
  readonly path: string;
  readonly file: FileHandle;
  readonly inode: number;
  /** Its size at that moment. */
  readonly endBytes: number;
}

export type SegmentSnapshot = readonly OpenSegment[];

/** Opens all that there are. Close them with {@link closeSegments}. */
export async function openSegments(dir: string, batch: string): Promise<SegmentSnapshot> {
  for (;;) {
    const paths = await listSegments(dir, batch);
    const files = await openAll(paths);
    // A segment that is copied into another is removed, and a folder is not listed in one instant: only when nothing came or went in between they are all.
    if (files && isSame(paths, await listSegments(dir, batch))) {
      return Promise.all(
        files.map(async (file, i) => {
          const { size, ino } = await file.stat();
          return { path: paths[i] as string, file, inode: ino, endBytes: size };
        }),
      );
    }
    await Promise.all((files ?? []).map((file) => file.close()));
  }
}

export async function closeSegments(segments: SegmentSnapshot): Promise<void> {
  await Promise.all(segments.map(({ file }) => file.close()));
}

/** `undefined`: one of them is gone. */
async function openAll(paths: readonly string[]): Promise<readonly FileHandle[] | undefined> {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) files.push(await open(path, "r"));
    return files;
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((path, i) => path === b[i]);
}
