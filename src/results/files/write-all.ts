// Writing to the end of a file: all of it, though the system may take less at a time.

import type { FileHandle } from "node:fs/promises";

export async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) written += (await file.write(bytes, written)).bytesWritten;
}
