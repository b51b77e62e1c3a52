// A recorder's part in the store's bench, as a process of its own: writes entries of a batch in appends, and says after each how far it has come.

import { openStore, type StorePlace } from "../src/results/open-store.ts";
import type { StoredResult } from "../src/results/store.ts";
import { APPEND_ENTRIES, batchEntries } from "./bench-store-rows.ts";

export interface WriterOptions {
  readonly place: StorePlace;
  readonly batch: string;
  readonly rows: number;
}

/** Write what was prepared, or take over another's batch from an entry on. */
export type WriterOrder = { readonly kind: "write" } | { readonly kind: "take-over"; readonly batch: string; readonly fromEntry: number };

export type WriterReport =
  | { readonly kind: "ready" }
  | { readonly kind: "written"; readonly entries: number; readonly of: number }
  | { readonly kind: "done"; readonly batch: string };

await serve(JSON.parse(process.argv[2]!) as WriterOptions, (report) => process.send?.(report));

async function serve({ place, batch, rows }: WriterOptions, report: (report: WriterReport) => void): Promise<void> {
  const store = openStore(place);
  await store.identity();
  const prepared = [...batchEntries(batch, rows)];

  const write = async (into: string, entries: readonly StoredResult[]) => {
    for (let at = 0; at < entries.length; at += APPEND_ENTRIES) {
      const part = entries.slice(at, at + APPEND_ENTRIES);
      await store.append(into, part);
      if (into === batch) report({ kind: "written", entries: at + part.length, of: entries.length });
    }
    report({ kind: "done", batch: into });
  };
  process.on("message", (order: WriterOrder) => {
    if (order.kind === "write") void write(batch, prepared);
    else void write(order.batch, [...batchEntries(order.batch, rows)].slice(order.fromEntry));
  });
  process.on("disconnect", () => process.exit());
  report({ kind: "ready" });
}
