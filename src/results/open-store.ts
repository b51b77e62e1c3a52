// Which store it is: a PostgreSQL where there is an address, else files.

import { createFileStore } from "./files/file-store.ts";
import { createPostgresStore } from "./postgres/postgres-store.ts";
import type { Store } from "./store.ts";

/** The part of the fleet's configuration that says where results live. */
export interface StorePlace {
  /** The file store's folder. */
  readonly storeDir: string;
  /** A PostgreSQL's address; absent: files in `storeDir`. */
  readonly storeUrl?: string;
}

/** Nothing is touched before the store is used. Close it with `stop()`. */
export function openStore({ storeDir, storeUrl }: StorePlace): Store {
  return storeUrl === undefined ? createFileStore({ dir: storeDir }) : createPostgresStore({ url: storeUrl });
}
