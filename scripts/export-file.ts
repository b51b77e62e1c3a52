// A file that appears when it is complete, or not at all, also where its process is ended in the middle of it by a signal.

import { rmSync } from "node:fs";
import { open, realpath, rename, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Writes to a file beside `path`, syncs it and gives it the name. A link is followed; a device or a pipe is written straight to. */
export async function writeWhole(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const found = await stat(target).catch(() => undefined);
  if (found && !found.isFile()) return within(target, write);
  const draft = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  const remove = () => rmSync(draft, { force: true });
  process.on("exit", remove);
  try {
    await within(draft, async (file) => {
      await write(file);
      await file.sync();
    });
    await rename(draft, target);
  } catch (error) {
    remove();
    throw error;
  } finally {
    process.off("exit", remove);
  }
}

async function within(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "w");
  try {
    await write(file);
  } finally {
    await file.close();
  }
}
