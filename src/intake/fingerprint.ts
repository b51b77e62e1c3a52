// The identity of an input: of the whole file for the batch's id, and of each thousand rows so that a resume on a changed file is noticed.

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { UsageError } from "../job/errors.ts";
import { shorten } from "./lines.ts";
import type { Row } from "./row.ts";

const EDGE_BYTES = 64 * 1024;
/** Rows under one digest. */
export const DIGEST_ROWS = 1000;

/**
 * Digest of a file's head, tail (64 KiB each) and size: the same for the same file, cheap for any size.
 * `undefined` for what has no size or tail (pipes, devices): such an input has no derived batch id.
 */
export async function fingerprintFile(path: string): Promise<string | undefined> {
  const file = await open(path, "r");
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const hash = createHash("sha256").update(`${stat.size}\n`);
    for (const position of [0, Math.max(0, stat.size - EDGE_BYTES)]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(EDGE_BYTES), 0, EDGE_BYTES, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return shorten(hash.digest("hex"));
  } finally {
    await file.close();
  }
}

/** A digest over up to a thousand rows. `index` counts the thousands from 0; lines are physical, of the first and the last row. */
export interface RowsDigest {
  readonly index: number;
  readonly digest: string;
  readonly rows: number;
  readonly firstLine: number;
  readonly lastLine: number;
}

export interface Digester {
  /** Takes the next row; answers with the digest of its thousand when it is the last of it. */
  add(row: Row): RowsDigest | undefined;
  /** The digest of the rows after the last full thousand, if any. */
  end(): RowsDigest | undefined;
}

export function createDigester(): Digester {
  let index = 0;
  let digests: string[] = [];
  let firstLine = 0;
  let lastLine = 0;

  const finish = (): RowsDigest => {
    const digest = shorten(createHash("sha256").update(digests.join("\n")).digest("hex"));
    const done = { index, digest, rows: digests.length, firstLine, lastLine };
    index++;
    digests = [];
    return done;
  };

  return {
    add(row) {
      if (digests.length === 0) firstLine = row.line;
      lastLine = row.line;
      return digests.push(row.digest) === DIGEST_ROWS ? finish() : undefined;
    },
    end: () => (digests.length > 0 ? finish() : undefined),
  };
}

/**
 * Compares with the digest kept from an earlier run of the same batch (`undefined`: there was none).
 * @throws UsageError that names the lines when they differ.
 */
export function assertUnchanged(rows: RowsDigest, stored: string | undefined): void {
  if (stored === undefined || stored === rows.digest) return;
  throw new UsageError(
    `the input has changed since this batch began: lines ${rows.firstLine} to ${rows.lastLine} are not what they were`,
    "Restore the file, or start anew with --fresh (where a batch was named: with another --batch).",
  );
}
