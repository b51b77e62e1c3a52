// The batches of a store in order of time.

import type { Store } from "../src/results/store.ts";

const AT_ONCE = 16;

/** Newest first, by the time of what was stored last, which stands in its stream id. */
export async function newestBatches(store: Store, isWanted: (batch: string) => boolean): Promise<readonly string[]> {
  const batches = (await store.batches()).filter(isWanted);
  const found: { readonly batch: string; readonly at: number }[] = [];
  for (let i = 0; i < batches.length; i += AT_ONCE) {
    const some = batches.slice(i, i + AT_ONCE);
    found.push(
      ...(await Promise.all(some.map(async (batch) => ({ batch, at: Number.parseInt((await store.lastStreamId(batch)) ?? "0", 10) })))),
    );
  }
  return found.toSorted((a, b) => b.at - a.at).map(({ batch }) => batch);
}
