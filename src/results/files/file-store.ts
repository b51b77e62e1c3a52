// The store on a local disk: a folder per batch with append-only JSONL segments. For the processes of one machine; only the recorder writes.

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, link, open, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StoppedError } from "../../job/errors.ts";
import type { Store } from "../store.ts";
import { readResults } from "./batch-reader.ts";
import { createBatchWriters } from "./batch-writers.ts";
import { createLedgerLookup, type LedgerLookup } from "./ledger-lookup.ts";
import { findLastStreamId } from "./segment-end.ts";
import { readLedger } from "./segment-ledger.ts";
import { closeSegments, openSegments } from "./segment-snapshot.ts";
import { createFolder, listBatches, syncFolder } from "./segments.ts";

export interface FileStoreOptions {
  /** Made where it is missing. */
  readonly dir: string;
  /** A segment that has reached this size is followed by a new one. Default 512 MiB. */
  readonly segmentBytes?: number;
  /** Rows that `read` indexes at a time, at 16 bytes each. Default 4 million. */
  readonly rowsPerPass?: number;
}

/** An index of which rows lie where (some kilobytes) is kept for this many. */
const MAX_LOOKUPS = 256;

/** Reading never changes a file. Each store that is opened writes to segments of its own: what a crash left at the end of another's stays there, and isn't read. */
export function createFileStore(options: FileStoreOptions): Store {
  const { dir, segmentBytes = 512 * 1024 * 1024, rowsPerPass = 4_000_000 } = options;
  const writers = createBatchWriters({ dir, segmentBytes });
  /** The least recently used first. */
  const lookups = new Map<string, LedgerLookup>();
  let queue: Promise<unknown> = Promise.resolve();

  /** Appends go one after the other, also those of different batches: they share a disk. */
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  };

  const lookupOf = (batch: string): LedgerLookup => {
    const lookup = lookups.get(batch) ?? createLedgerLookup({ dir, batch });
    lookups.delete(batch);
    lookups.set(batch, lookup);
    if (lookups.size > MAX_LOOKUPS) lookups.delete(lookups.keys().next().value!);
    return lookup;
  };

  return {
    place: dir,
    identity: () => readOrCreateIdentity(dir),
    probe: () => probeFolder(dir),
    lastStreamId: async (batch) => {
      const segments = await openSegments(dir, batch);
      return findLastStreamId(segments).finally(() => closeSegments(segments));
    },
    append: (batch, entries) => inTurn(async () => (await writers.of(batch)).append(entries)),
    read: (batch) => readResults({ dir, batch, rowsPerPass }),
    ledger: (batch) => readLedger(dir, batch),
    ledgerOf: (batch, rows) => lookupOf(batch)(rows),
    batches: () => listBatches(dir),
    stop: () => inTurn(() => writers.close()),
  };
}

/** A link to a finished file appears whole or not at all, and only for the first who tries: all processes get the same identity. */
async function readOrCreateIdentity(dir: string): Promise<string> {
  const path = join(dir, "identity");
  const known = await readFile(path, "utf8").catch(undefinedIfMissing);
  if (known !== undefined) return known.trim();
  await createFolder(dir, dir);
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, "wx");
  try {
    await file.writeFile(`${randomUUID()}\n`);
    await file.sync();
    await link(draft, path).catch(ignoreIfPresent);
    await syncFolder(dir);
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
  return (await readFile(path, "utf8")).trim();
}

/** A folder that isn't there is made in the nearest one above it that is. */
async function probeFolder(dir: string): Promise<string> {
  for (let folder = resolve(dir); ; folder = dirname(folder)) {
    const problem = await access(folder, constants.W_OK).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (!problem) return `files in ${dir}`;
    if (problem.code === "ENOENT" && folder !== dirname(folder)) continue;
    throw new StoppedError(`can't write to the store's folder ${dir}: ${problem.message}`, "Name a folder that may be written to.");
  }
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function ignoreIfPresent(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
