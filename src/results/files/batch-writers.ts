// The writers of a store's batches: those that were used last keep their file open, others rest, and those that were used longest ago are forgotten.

import { createBatchWriter, type BatchWriter } from "./batch-writer.ts";

export interface BatchWriters {
  of(batch: string): Promise<BatchWriter>;
  close(): Promise<void>;
}

const MOST_OPEN = 32;
/** A forgotten writer makes a segment more when its batch comes again. */
const MOST_RESTING = 4_096;

export function createBatchWriters(options: { readonly dir: string; readonly segmentBytes: number }): BatchWriters {
  /** The least recently used first, in both. */
  const working = new Map<string, BatchWriter>();
  const resting = new Map<string, BatchWriter>();

  const takeOldest = (writers: Map<string, BatchWriter>, most: number): [string, BatchWriter] | undefined => {
    const [oldest] = writers.size > most ? writers : [];
    if (oldest) writers.delete(oldest[0]);
    return oldest;
  };

  return {
    async of(batch) {
      const writer = working.get(batch) ?? resting.get(batch) ?? createBatchWriter({ ...options, batch });
      resting.delete(batch);
      working.delete(batch);
      working.set(batch, writer);
      const idle = takeOldest(working, MOST_OPEN);
      if (idle) resting.set(...idle);
      await idle?.[1].rest();
      await takeOldest(resting, MOST_RESTING)?.[1].close();
      return writer;
    },
    async close() {
      const all = [...working.values(), ...resting.values()];
      working.clear();
      resting.clear();
      await Promise.all(all.map((writer) => writer.close()));
    },
  };
}
